"""The tables, one file an aggregate. Importing this package registers them all."""

from gongkao.models.application import Application, Material, WorkPeriod, YearlyAssessment
from gongkao.models.archive import ArchiveRecord
from gongkao.models.audit import AuditEntry, AuditSeal
from gongkao.models.ban import BanEntry
from gongkao.models.certificate import Certificate, CertificateCounter, CertificateState
from gongkao.models.cycle import ConditionSet, Cycle, CycleWindow, GradeEntry, SubjectEntry, Trade, TradeOpening
from gongkao.models.deferral import Deferral, DeferralStatus
from gongkao.models.desk import Phrase, ReviewNote, SavedView, UnitStatement
from gongkao.models.exam import (
    ExamRoom,
    ExamSite,
    ExamSitting,
    Seat,
    SeatingRun,
    SiteIncident,
    SittingRoom,
    SpecialNeed,
    TrainingClass,
    TrainingMember,
)
from gongkao.models.files import DiscardedFile, StoredFile
from gongkao.models.handled import HandledPost
from gongkao.models.job import Job, JobFile, JobState
from gongkao.models.key import DataKeyEntry
from gongkao.models.message import Message
from gongkao.models.name_part import NamePart, UnitNamePart
from gongkao.models.onsite import Original, Visit, VisitMember, VisitSlot, VisitStatus
from gongkao.models.organisations import Agency, RegionEntry, Unit, UnitCheck, UnitCheckStatus
from gongkao.models.oversight import (
    CalendarFiling,
    CaseStatus,
    FalseMaterialsCase,
    FilingStatus,
    Sample,
    SampleMember,
    UpwardReport,
)
from gongkao.models.panel import PanelAssessor, PanelCandidate, PanelCriterion, PanelMark, ReviewPanel
from gongkao.models.password_help import HelpStatus, PasswordHelp
from gongkao.models.people import Account, Person, Role
from gongkao.models.result import (
    GradeRule,
    ProposalState,
    Recheck,
    RecheckState,
    Release,
    ReleaseProposal,
    Result,
    ResultVersion,
    Score,
    ScoreEntry,
    ScoreImport,
    ScoreMapping,
)
from gongkao.models.review import ApplicationEvent
from gongkao.models.roster import RosterEntry
from gongkao.models.session import FailureCount, SignedInSession
from gongkao.models.sheet import RegistrationSheet, SheetStatus

__all__ = [
    "Account",
    "Agency",
    "Application",
    "ApplicationEvent",
    "ArchiveRecord",
    "AuditEntry",
    "AuditSeal",
    "BanEntry",
    "CalendarFiling",
    "CaseStatus",
    "Certificate",
    "CertificateCounter",
    "CertificateState",
    "ConditionSet",
    "Cycle",
    "CycleWindow",
    "DataKeyEntry",
    "Deferral",
    "DeferralStatus",
    "DiscardedFile",
    "ExamRoom",
    "ExamSite",
    "ExamSitting",
    "FailureCount",
    "FalseMaterialsCase",
    "FilingStatus",
    "GradeEntry",
    "GradeRule",
    "HandledPost",
    "HelpStatus",
    "Job",
    "JobFile",
    "JobState",
    "Material",
    "Message",
    "NamePart",
    "Original",
    "PanelAssessor",
    "PanelCandidate",
    "PanelCriterion",
    "PanelMark",
    "PasswordHelp",
    "Person",
    "Phrase",
    "ProposalState",
    "Recheck",
    "RecheckState",
    "RegionEntry",
    "RegistrationSheet",
    "Release",
    "ReleaseProposal",
    "Result",
    "ResultVersion",
    "ReviewNote",
    "ReviewPanel",
    "Role",
    "RosterEntry",
    "Sample",
    "SampleMember",
    "SavedView",
    "Score",
    "ScoreEntry",
    "ScoreImport",
    "ScoreMapping",
    "Seat",
    "SeatingRun",
    "SheetStatus",
    "SignedInSession",
    "SiteIncident",
    "SittingRoom",
    "SpecialNeed",
    "StoredFile",
    "SubjectEntry",
    "Trade",
    "TradeOpening",
    "TrainingClass",
    "TrainingMember",
    "Unit",
    "UnitCheck",
    "UnitCheckStatus",
    "UnitNamePart",
    "UnitStatement",
    "UpwardReport",
    "Visit",
    "VisitMember",
    "VisitSlot",
    "VisitStatus",
    "WorkPeriod",
    "YearlyAssessment",
]
