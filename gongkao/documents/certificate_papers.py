"""Certificates and the notices around them: for each a record of what stands on it, and one function for the PDF."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import date

from gongkao.documents.render import render
from gongkao.documents.text import OnePerson

CERTIFICATE_TITLE = "机关事业单位工勤技能岗位等级证书"


@dataclass(frozen=True)
class CertificatePaper:
    """One certificate; like the application form it bears the identity number whole: it goes to the holder.

    Attributes:
        photo: a JPEG picture; None leaves the place for one.
        marks: the result in one line, e.g. 岗位技能85.5　职业道德90.
        verify_url: the address at which anyone can check the certificate; goes into the QR code.
    """

    number: str
    name: str
    sex: str
    born: str
    identity_number: str
    unit_name: str
    trade: str
    grade: str
    marks: str
    cycle_year: int
    agency_name: str
    issued_on: date
    verification_code: str
    verify_url: str
    photo: bytes | None = None


def certificate(paper: CertificatePaper) -> bytes:
    """The certificate, one A4 page across, with places for the photo and the seal. Raises CharacterMissing."""
    photo = f"data:image/jpeg;base64,{b64encode(paper.photo).decode()}" if paper.photo else None
    return render("certificate.html", {"paper": paper, "photo": photo}, title=CERTIFICATE_TITLE)


@dataclass(frozen=True)
class RevocationPaper(OnePerson):
    """That a certificate is revoked and called in (撤销证书通知); `basis` is the number of the cycle's notice."""

    cycle_year: int
    basis: str
    certificate_number: str
    trade: str
    grade: str
    certificate_issued_on: date
    handed_out: bool
    reason: str
    agency_name: str
    revoked_on: date


def revocation(paper: RevocationPaper) -> bytes:
    """The notice of revocation. Raises CharacterMissing."""
    return render("revocation.html", {"paper": paper}, title="撤销等级证书通知")
