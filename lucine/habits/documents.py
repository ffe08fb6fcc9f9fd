"""The papers of an incident, by name. They are in French: the bodies that receive them work in French."""

from collections.abc import Callable

from lucine.web import not_found

from .complaint import write_complaint
from .dossier import Case, blanks_in
from .letters import (
    write_register_entry,
    write_to_cert,
    write_to_desk,
    write_to_insurance,
    write_to_insurer,
    write_to_order,
)
from .notification import write_notification
from .papers import Paper
from .patients_letter import write_to_patients

PAPERS: dict[str, Callable[[Case], Paper]] = {
    "cnil": write_notification,
    "complaint": write_complaint,
    "patients": write_to_patients,
    "register": write_register_entry,
    "desk": write_to_desk,
    "insurance": write_to_insurance,
    "order": write_to_order,
    "insurer": write_to_insurer,
    "cert": write_to_cert,
}


def build(name: str, case: Case) -> Paper:
    """A paper of this incident. Refusal "not found" for a name that is not in PAPERS."""
    if name not in PAPERS:
        raise not_found("no such paper")
    return PAPERS[name](case)


def blanks_of(case: Case) -> dict[str, int]:
    """For each paper, how many points are still to be completed. No paper is laid out for it."""
    return {name: blanks_in(write(case)) for name, write in PAPERS.items()}
