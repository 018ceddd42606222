"""Other nodes: how following each goes, and the buttons of operators."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model as AnyModel
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts import step_up
from accounts.own_page import OwnPage
from federation import applying, holding, peering, quarantine
from federation.admin.acting import REFUSALS, actor, note, sentence
from federation.admin.forms import AddForm, PolicyForm
from federation.models import Outcome, Peer, PeerState, PulledEntry, Run, RunState, Verdict
from federation.peering import PeeringError
from incidents.models import Incident
from lib.canonical import digest

_MAY_CHANGE = "federation.change_peer"
_RUNS, _ASIDE, _WITHDRAWN = 20, 100, 500


@admin.register(Peer)
class PeerAdmin(OwnPage[Peer]):
    """The nodes that are followed."""

    list_display = ("domain", "state", "acceptance", "lag", "last_run", "read_at", "next_due", "waiting", "aside")
    list_filter = ("state",)
    search_fields = ("domain",)
    show_full_result_count = False
    actions = None
    page_template = "admin/federation/peer/page.html"

    class Media:
        css = {"all": ("reports/console.css",)}

    def has_add_permission(self, request: HttpRequest, _obj: AnyModel | None = None) -> bool:
        """Operators may, on a page of its own."""
        return request.user.has_perm("federation.add_peer")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, over the whole width."""
        context = {"title": "Nodes that are followed", "is_nav_sidebar_enabled": False, **(extra_context or {})}
        return super().changelist_view(request, context)

    @admin.display(description="entries behind")
    def lag(self, peer: Peer) -> int:
        """Entries that did not take effect here yet."""
        return peer.lag

    @admin.display(description="last run")
    def last_run(self, peer: Peer) -> str:
        """How it ended, and when."""
        run = peer.runs.first()
        said = f"{run.decision or run.state}, {run.ended_at:%Y-%m-%d %H:%M}" if run else "none yet"
        return f"{said}; contradicted itself" if peer.distrusted_at else said

    @admin.display(description="next due", ordering="due_at")
    def next_due(self, peer: Peer) -> str:
        """When it is asked again."""
        return _next_due(peer)

    @admin.display(description="wait")
    def waiting(self, peer: Peer) -> int:
        """Records that wait for a moderator."""
        return _count(peer, Verdict.WAITING)

    @admin.display(description="in quarantine")
    def aside(self, peer: Peer) -> int:
        """Entries that were put aside."""
        return _count(peer, Verdict.QUARANTINED)

    def get_urls(self) -> list[URLPattern]:
        """The buttons' addresses before the admin's own."""
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/do/<slug:verb>/", wrap(self.act_view), name="federation_peer_act"),
            path("<int:pk>/entries/<int:index>/<slug:verb>/", wrap(self.entry_view), name="federation_peer_entry"),
            *super().get_urls(),
        ]

    def page_context(self, request: HttpRequest, row: Peer) -> dict[str, Any]:
        """One peer, with the buttons that are open to who looks."""
        return {**_context(row), **step_up.press_again(request), "may_act": actor(request).has_perm(_MAY_CHANGE)}

    def add_view(
        self, request: HttpRequest, _form_url: str = "", _extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Following a node: first what it says of itself, to compare; then the key is pinned."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        again = step_up.press_again(request)
        typed = again["press_again"]["typed"] if again else None
        form = AddForm(request.POST or typed)
        found = _introduction(form) if form.is_bound and form.is_valid() else None
        if request.method == "POST" and found and "follow" in request.POST:
            return self._follow(request, form)
        context = {
            **self.admin_site.each_context(request),
            **again,
            "title": "Follow another node",
            "opts": self.opts,
            "media": self.media,
            "is_nav_sidebar_enabled": False,
            "form": form,
            "found": found,
        }
        return TemplateResponse(request, "admin/federation/peer/add.html", context)

    def _follow(self, request: HttpRequest, form: AddForm) -> HttpResponse:
        page, given = reverse("admin:federation_peer_add"), form.cleaned_data
        if proof := step_up.asked_for(request, page=page, press="follow", **given):
            return proof
        try:
            peer = peering.add(**given)
        except PeeringError as error:
            messages.error(request, sentence(error))
            return redirect(page)
        note(request, peer, f"Followed by the key {peer.vkey}.")
        messages.success(request, f"Following {peer.domain}: its log is read now.")
        return redirect("admin:federation_peer_change", peer.pk)

    def act_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponseBase:
        """One verb on a peer, by POST."""
        peer = self._asked(request, pk, verb, _ACTS)
        page = reverse("admin:federation_peer_change", args=[pk])
        if verb in _PROVED and (proof := step_up.asked_for(request, page=page, press=verb)):
            return proof
        return self._done(request, peer, lambda: _ACTS[verb](request, peer))

    def entry_view(self, request: HttpRequest, pk: int, index: int, verb: str) -> HttpResponseBase:
        """One verb on an entry in quarantine, by POST."""
        peer = self._asked(request, pk, verb, _ENTRY_ACTS)
        entry = get_object_or_404(PulledEntry.objects.select_related("peer", "object"), peer=peer, index=index)
        return self._done(request, peer, lambda: _ENTRY_ACTS[verb](entry))

    def _asked(self, request: HttpRequest, pk: int, verb: str, acts: dict[str, Any]) -> Peer:
        if not actor(request).has_perm(_MAY_CHANGE):
            raise PermissionDenied
        if request.method != "POST" or verb not in acts:
            raise Http404
        return get_object_or_404(Peer, pk=pk)

    def _done(self, request: HttpRequest, peer: Peer, act: Callable[[], str]) -> HttpResponse:
        try:
            said = act()
        except REFUSALS as error:
            messages.error(request, sentence(error))
        else:
            note(request, peer, said)
            messages.success(request, said)
        return redirect("admin:federation_peer_change", peer.pk)


def _count(peer: Peer, verdict: Verdict) -> int:
    return Outcome.objects.filter(entry__peer=peer, verdict=verdict).count()


def _context(peer: Peer) -> dict[str, Any]:
    aside = Outcome.objects.filter(entry__peer=peer, verdict=Verdict.QUARANTINED)
    held, decided = applying.held(peer), Run.objects.filter(peer=peer, state=RunState.HELD).first()
    return {
        "peer": peer,
        "fingerprint": digest(peer.key.public),
        "next_due": _next_due(peer),
        "policy": PolicyForm.of(peer),
        "runs": peer.runs.select_related("decided_by")[:_RUNS],
        "aside": aside.select_related("entry").order_by("entry__index")[:_ASIDE],
        "aside_count": _count(peer, Verdict.QUARANTINED),
        "waiting_count": _count(peer, Verdict.WAITING),
        "held": held,
        "withdrawn": _withdrawn(peer) if held else [],
        "undoable": decided if decided and decided.decision in _UNDOABLE and peer.applied >= decided.end else None,
        "evidence": peer.evidence.all(),
        "is_removed": peer.state == PeerState.REMOVED,
    }


_UNDOABLE = (Run.Decision.RELEASED, Run.Decision.REFUSED)


def _withdrawn(peer: Peer) -> list[Incident]:
    """The records that a held run would withdraw."""
    due = applying.withdrawals_due(peer)[:_WITHDRAWN]
    return list(Incident.objects.filter(public_id__in=due).defer("document").order_by("public_id"))


def _next_due(peer: Peer) -> str:
    if peer.state != PeerState.FOLLOWED:
        return "not asked"
    if peer.is_parked:
        return "parked: press “Ask now”"
    return f"{peer.due_at:%Y-%m-%d %H:%M:%S}"


def _introduction(form: AddForm) -> peering.Introduction | None:
    given = form.cleaned_data
    try:
        return peering.introduce(vkey=given["vkey"], node=given["node"])
    except PeeringError as error:
        form.add_error(None, sentence(error))
        return None


def _policy(request: HttpRequest, peer: Peer) -> str:
    form = PolicyForm(request.POST)
    if not form.is_valid():
        said = [f"{form[name].label}: {' '.join(map(str, errors))}" for name, errors in form.errors.items()]
        raise PeeringError(" ".join(said))
    peering.set_policy(peer, **form.policy())
    return f"Set what is taken of {peer.domain}. What is shown or waits already stays as it is."


def _pull(_request: HttpRequest, peer: Peer) -> str:
    peering.pull_now(peer)
    return f"Asking {peer.domain} now."


def _pause(_request: HttpRequest, peer: Peer) -> str:
    peering.pause(peer.domain)
    return f"Paused following {peer.domain}."


def _resume(_request: HttpRequest, peer: Peer) -> str:
    peering.resume(peer.domain)
    return f"Following {peer.domain} again."


def _remove(_request: HttpRequest, peer: Peer) -> str:
    peering.remove(peer.domain)
    return f"Following {peer.domain} no more. What was shown of it stays."


def _trust(_request: HttpRequest, peer: Peer) -> str:
    peering.trust_again(peer.domain)
    return f"Trusting {peer.domain} again, as its policy says."


def _release(request: HttpRequest, peer: Peer) -> str:
    holding.release(run=_waiting(peer), by=actor(request))
    return "The withdrawals take effect now."


def _refuse(request: HttpRequest, peer: Peer) -> str:
    holding.refuse(run=_waiting(peer), by=actor(request))
    return "The records go on being shown; all else of the run takes effect now."


def _undo(request: HttpRequest, peer: Peer) -> str:
    run = Run.objects.filter(peer=peer, state=RunState.HELD).first()
    if run is None:
        raise holding.NotHeldError("no decision on a run of this peer stands")
    return f"The decision was taken back: {holding.undo(run=run, by=actor(request))} records changed."


def _waiting(peer: Peer) -> Run:
    run = applying.held(peer)
    if run is None:
        raise holding.NotHeldError("no run of this peer waits for a decision")
    return run


_ACTS: dict[str, Callable[[HttpRequest, Peer], str]] = {
    "policy": _policy,
    "pull": _pull,
    "pause": _pause,
    "resume": _resume,
    "remove": _remove,
    "trust": _trust,
    "release": _release,
    "refuse": _refuse,
    "undo": _undo,
}
# What makes records public, or takes them away.
_PROVED = frozenset({"release", "refuse", "undo", "trust"})


def _retry(entry: PulledEntry) -> str:
    outcome = quarantine.retry(entry)
    because = f": {outcome.reason}" if outcome.reason else ""
    return f"Entry {entry.index} was judged again: {outcome.get_verdict_display().lower()}{because}."


def _dismiss(entry: PulledEntry) -> str:
    quarantine.dismiss(entry)
    return f"Entry {entry.index} was passed over for good."


_ENTRY_ACTS: dict[str, Callable[[PulledEntry], str]] = {"retry": _retry, "dismiss": _dismiss}
