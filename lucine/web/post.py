"""TEMPORARY"""
from pathlib import Path
import uuid
class PostFailed(Exception): ...
class Post:
    def __init__(self,p): self.p=Path(p); self.p.mkdir(parents=True,exist_ok=True)
    async def mail(self,*,now,to,subject,text): (self.p/f"{uuid.uuid4()}.eml").write_text(f"To: {to}\nSubject: {subject}\n\n{text}")
    async def sms(self,*,now,to,text): (self.p/f"{uuid.uuid4()}.txt").write_text(f"To: {to}\n\n{text}")
def open_post(url,sender,gateway=""): return Post(url.removeprefix("folder:"))
