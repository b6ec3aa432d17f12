"""The testbed's world on the simulated switch: phones and carriers without SIP, for the same scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import gevent

from bizpbx.simulator.channel import Channel, Profile
from bizpbx.simulator.core import Core
from bizpbx.simulator.endpoint import SimulatedEndpoint
from bizpbx.simulator.placed import SimulatedCall, refused
from bizpbx.simulator.switch import Switch
from bizpbx.simulator.told import ToldEndpoint
from bizpbx.testbed.world import (
    Behaviour,
    Caller,
    CallResult,
    Carrier,
    CarrierCaller,
    PhoneCaller,
    Registration,
    Speech,
    TestbedError,
    answers,
    as_caller,
    rings_only,
)

ANSWERS = answers()
SETTLE = 2.0
"""Seconds that the called ones get to see the end of a call that is over for its caller."""


class SimulatedPhone(ToldEndpoint):
    """Implements world.Phone."""

    def __init__(
        self, switch: Switch, core: Core, domain: str, username: str, password: str, behaviour: Behaviour
    ) -> None:
        super().__init__(switch, behaviour, username)
        self.domain = domain
        self.username = username
        self.password = password
        self.registration = Registration(0, "not tried")
        if behaviour.registers:
            code = core.register(domain, username, password, self)
            self.registration = Registration(code, "OK" if code == 200 else "Forbidden")

    def caller(
        self, *, display_name: str = "", claims: str | None = None, headers: Mapping[str, str] | None = None
    ) -> PhoneCaller:
        return PhoneCaller(self, display_name, claims, headers or {})


class SimulatedCarrier(ToldEndpoint):
    """Implements world.Carrier."""

    def __init__(self, switch: Switch, core: Core, port: int, behaviour: Behaviour) -> None:
        super().__init__(switch, behaviour, None)
        self.port = port
        core.locations.listen(port, self)

    def caller(
        self,
        number: str | None,
        *,
        display_name: str = "",
        withheld: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> CarrierCaller:
        return CarrierCaller(self, number, display_name, withheld, headers or {})


class SimulatedWorld:
    """Implements world.World round a switch that has been entered. Times are the switch's clock's."""

    def __init__(self, switch: Switch) -> None:
        self.switch = switch
        self._phones: dict[tuple[str, str], SimulatedPhone] = {}
        self._carriers: dict[int, SimulatedCarrier] = {}
        self._calls: list[SimulatedCall] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        """End all calls and sign everybody off."""
        for call in self._calls:
            call.stop()
        self.switch.run(self._dismiss)
        self._phones.clear()
        self._carriers.clear()

    def _dismiss(self, core: Core) -> None:
        for endpoint in self._endpoints():
            endpoint.hang_up_all()
            core.locations.forget(endpoint)

    @property
    def phones(self) -> list[SimulatedPhone]:
        return list(self._phones.values())

    @property
    def carriers(self) -> list[SimulatedCarrier]:
        return list(self._carriers.values())

    def phone(self, domain: str, username: str, password: str, behaviour: Behaviour = rings_only) -> SimulatedPhone:
        earlier = self._phones.pop((domain, username), None)
        if earlier is not None:
            self.switch.run(lambda core: core.locations.forget(earlier))
        phone = self.switch.run(lambda core: SimulatedPhone(self.switch, core, domain, username, password, behaviour))
        self._phones[domain, username] = phone
        return phone

    def carrier(self, port: int, behaviour: Behaviour = ANSWERS) -> SimulatedCarrier:
        self._carriers[port] = self.switch.run(lambda core: SimulatedCarrier(self.switch, core, port, behaviour))
        return self._carriers[port]

    def close(self, carrier: Carrier) -> None:
        gone = self._carriers.pop(carrier.port)
        self.switch.run(lambda core: core.locations.forget(gone))

    def place(
        self,
        caller: Caller,
        to: str,
        *,
        hangup_after: float | None = 0.1,
        cancel_after: float | None = None,
        keys: str = "",
        talking: str = "",
        says: Speech | None = None,
        listens: bool = False,
    ) -> SimulatedCall:
        who = as_caller(caller)

        def start(core: Core) -> SimulatedCall:
            if isinstance(who, CarrierCaller):
                channel = self._from_carrier(core, who, to)
            else:
                channel = self._from_phone(core, who, to)
            channel.says = says
            placed = SimulatedCall(self.switch, channel)
            placed.run(hangup_after, cancel_after, keys, talking)
            return placed

        self._calls.append(self.switch.run(start))
        return self._calls[-1]

    def call(
        self,
        caller: Caller,
        to: str,
        *,
        hangup_after: float | None = 0.1,
        cancel_after: float | None = None,
        keys: str = "",
        talking: str = "",
        timeout: float = 30.0,
    ) -> CallResult:
        placed = self.place(
            caller, to, hangup_after=hangup_after, cancel_after=cancel_after, keys=keys, talking=talking
        )
        result = placed.result(timeout)
        self.settle()
        return result

    def settle(self, timeout: float = SETTLE) -> None:
        """Return once every call is over for everybody who saw it, or after `timeout` seconds."""
        self.switch.run(lambda core: self._settle(core, timeout))

    def _settle(self, core: Core, timeout: float) -> None:
        deadline = core.clock.now() + timeout
        while any(not seen.ended for each in self._endpoints() for seen in each.incoming):
            if core.clock.now() > deadline:
                return
            gevent.sleep(0.001)

    def forget(self) -> None:
        for each in self._endpoints():
            each.forget()

    def _endpoints(self) -> list[SimulatedEndpoint]:
        return [*self._phones.values(), *self._carriers.values()]

    def _from_phone(self, core: Core, caller: PhoneCaller, to: str) -> Channel:
        phone = self._phones.get((caller.phone.domain, caller.phone.username))
        if phone is None:
            raise TestbedError(f"There is no phone {caller.phone.username}@{caller.phone.domain} in this world.")
        user = core.authenticated(phone.domain, phone.username, phone.password)
        if user is None:
            return refused(core, 403)
        claimed = caller.claims or phone.username
        fallback = core.configuration.contexts_of_profiles.get("internal", "default")
        profile = Profile(
            username=phone.username,
            caller_id_name=caller.display_name or claimed,
            caller_id_number=claimed,
            destination_number=to,
            context=user.variables.get("user_context", fallback),
        )
        variables = {
            **_sip_variables("internal", claimed, to, phone.domain, 5060, caller.headers),
            "sip_authorized": "true",
            "sip_auth_username": phone.username,
            "sip_auth_realm": phone.domain,
            "user_name": phone.username,
            "domain_name": phone.domain,
            **user.variables,
        }
        return _place(core, profile, f"sofia/internal/{claimed}@{phone.domain}", variables, caller.headers)

    def _from_carrier(self, core: Core, caller: CarrierCaller, to: str) -> Channel:
        port = caller.carrier.port
        configuration = core.configuration
        if port not in self._carriers:
            raise TestbedError(f"There is no carrier on port {port} in this world.")
        if not any(gateway.host == "127.0.0.1" for gateway in configuration.gateways.values()):
            return refused(core, 403)
        claimed = "anonymous" if caller.withheld or caller.number is None else caller.number
        headers = dict(caller.headers)
        if caller.withheld:
            headers["Privacy"] = "id"
            if caller.number is not None:
                headers["P-Asserted-Identity"] = f"<sip:{caller.number}@127.0.0.1>"
        asserted = caller.number if caller.withheld and caller.number else claimed
        name = caller.display_name or ("Anonymous" if claimed == "anonymous" else asserted)
        profile = Profile(
            username=asserted,
            caller_id_name=name,
            caller_id_number=asserted,
            destination_number=to,
            context=configuration.contexts_of_profiles.get("external", "public"),
        )
        variables = _sip_variables("external", claimed, to, "127.0.0.1", port, headers)
        if "P-Asserted-Identity" in headers:
            variables["sip_P-Asserted-Identity"] = asserted
        return _place(core, profile, f"sofia/external/{claimed}@127.0.0.1", variables, headers)


def _place(core: Core, profile: Profile, name: str, variables: dict[str, str], headers: Mapping[str, str]) -> Channel:
    hides = "id" in headers.get("Privacy", "").split(";")
    return core.incoming(profile, name, variables, hides)


def _sip_variables(
    profile: str, user: str, to: str, host: str, port: int, headers: Mapping[str, str]
) -> dict[str, str]:
    variables = {
        "sofia_profile_name": profile,
        "sip_from_user": user,
        "sip_from_host": host,
        "sip_from_uri": f"{user}@{host}",
        "sip_from_user_stripped": user.removeprefix("+"),
        "sip_req_user": to,
        "sip_to_user": to,
        "sip_to_host": host,
        "sip_to_uri": f"{to}@{host}",
        "sip_network_ip": "127.0.0.1",
        "sip_network_port": str(port),
        "sip_received_ip": "127.0.0.1",
        "sip_received_port": str(port),
        "sip_via_protocol": "udp",
        "max_forwards": "70",
        "endpoint_disposition": "RECEIVED",
    }
    for header, value in headers.items():
        if header == "Privacy":
            variables["sip_Privacy"] = value
        elif header == "Diversion" or (header.startswith(("X-", "P-")) and header != "P-Asserted-Identity"):
            variables[f"sip_h_{header}"] = value
    return variables
