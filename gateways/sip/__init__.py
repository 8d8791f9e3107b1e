"""SIP: the trunk to the carrier and the agents' phones.

The rule of this room: the protocol has no socket, thread or clock. Bytes come in with the time,
bytes go out with a destination (`user_agent`); one thread with one asyncio loop (`endpoint`)
carries them, and the ports of the domain (`trunk`, `desk`) stand on it.

    headers, messages, building    text, over pyVoIP's message layer (`pyvoip_layer`)
    digest, sdp                    authentication and session descriptions
    transactions                   RFC 3261 section 17, as tables with timers
    dialogs, legs, sessions        RFC 3261 sections 12 to 15: one call, as a table
    user_agent                     who gets a message, and what a stranger is answered
    transport, tcp, endpoint       sockets and the one thread
    tls, tls_transport             connections that are secured, and to whom
    dialog_log                     what a crash must not lose
    keep_alive, registration       whether a trunk is up
    nat                            what stands between us and a carrier
    srv, targets                   where a carrier is, and which target is trusted
    trunk, trunk_calls, desk       the ports
    trunk_config                   what a trunk is told about its carrier
    callbacks                      people who call our numbers
"""
