"""TEMPORARY"""
import httpx, msgspec
class EgressFailed(Exception): ...
class EgressRefused(Exception): ...
class Answer(msgspec.Struct):
    status:int
    body:bytes
class Egress:
    def __init__(self, allow=frozenset(), ca_file=None): self.c=httpx.AsyncClient(timeout=5)
    async def post(self,url,*,headers,content,seconds=5.0):
        try: r=await self.c.post(url,headers=headers,content=content)
        except httpx.HTTPError as e: raise EgressFailed(str(e))
        return Answer(r.status_code,r.content)
    async def close(self): await self.c.aclose()
