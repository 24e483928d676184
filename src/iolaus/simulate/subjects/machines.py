"""What machines and their keepers write: incidents, manuals, logs. One subject a block, words its own."""

from typing import Final

__all__ = ["SUBJECTS"]

SUBJECTS: Final[dict[str, dict[str, str]]] = {
    "incident": {
        "who": """the load balancer | shard 17 | a canary release | the on-call engineer | checkout |
            a stale replica | the scheduler | the certificate | our CDN | the payments queue | a retry storm |
            the health check | node pool B | a feature flag""",
        "did": """evicted | saturated | rolled back | masked | timed out on | failed over to | flooded | throttled |
            paged about | leaked | restarted | drained""",
        "what": """the write path | six brokers | the connection pool | p99 latency | the audit stream |
            a poisoned message | the secondary region | the token cache | disk quotas | the dashboards |
            session storage | half the pods""",
        "how": """within four minutes | without an alert | at twice the baseline | behind a proxy |
            on every third call | by design | for EU tenants only | after a config push | under synthetic load |
            silently""",
        "when": """At 03:41 UTC | During the deploy | Post-mortem | Since build 882 | In staging | Upon recovery""",
    },
    "manual": {
        "who": """the operator | a red lamp | the feed roller | the service key | the lower tray |
            an authorised engineer | the interlock | the display | the drain hose | the filter cartridge |
            the spindle | a warning tone | the battery pack | the lid""",
        "did": """releases | primes | locks | indicates | must not touch | resets | seals | drives | requires |
            cools | overrides | ejects""",
        "what": """the paper path | valve C | a jammed sheet | standby mode | the calibration screw |
            the rinse cycle | the fuse holder | excess torque | the cutter head | error E-07 | a partial charge |
            the nozzle plate""",
        "how": """clockwise | at idle only | for ten seconds | with the cover shut | until it clicks |
            in reverse order | above 40 °C | by half a turn | without tools | under no load""",
        "when": """On first use | If the beep persists | Prior to transport | Every 500 hours | In wet conditions |
            When replacing parts""",
    },
    "survey": {
        "who": """respondents | a rural subsample | the over-sixties | the control arm | wave three | non-drivers |
            the interviewers | first-time voters | the weighting scheme | shift workers | households with pets |
            the northern cluster | proxies | dropouts""",
        "did": """reported | underestimated | preferred | skipped | ranked last | agreed on | doubled | confounded |
            predicted | oversampled | tolerated | outnumbered""",
        "what": """daily commuting | trust in banks | the follow-up call | sugary drinks | a five-point scale |
            broadband prices | informal care | item eleven | their own income | neighbourhood safety | the incentive |
            part-time study""",
        "how": """by a wide margin | after adjustment | within sampling error | regardless of age | at both sites |
            on paper forms | in open answers | more than expected | to a lesser degree | for the second year""",
        "when": """At baseline | Among women | In the 2019 round | Across strata | Contrary to theory |
            After imputation""",
    },
    "cosmos": {
        "who": """the orbiter | a faint companion | the spectrograph | our parallax | the outer ring | a dust lane |
            the pulsar | solar wind | the mirror segment | an infrared survey | the magnetosphere | a grazing comet |
            the lander | dark flow""",
        "did": """resolved | eclipsed | redshifted | deflected | irradiated | outshone | revealed | lagged |
            stripped | ionised | captured | traced""",
        "what": """the cluster core | two exomoons | the hydrogen line | a debris disc | the polar cap |
            its light curve | the accretion flow | the guide star | a void | methane haze | the spiral arm |
            the standard candle""",
        "how": """at perihelion | beyond the heliopause | over eleven orbits | in ultraviolet | with long baselines |
            near the limb | to one part in a million | through gravity alone | during transit |
            for billions of years""",
        "when": """In the second epoch | By chance alignment | From the far side | At opposition |
            Early in the mission | On closest approach""",
    },
    "archive": {
        "who": """the abbot | a parchment leaf | the mapmaker | the royal clerk | Flemish weavers |
            the siege engineers | an heiress | the chronicle | pilgrims | a defaced seal | the moneyers |
            the exchequer | the bishop's envoy | tenant farmers""",
        "did": """granted | besieged | copied | debased | disputed | pawned | rebuilt | excommunicated | taxed |
            forged | bequeathed | mourned""",
        "what": """the river tolls | two manors | a psalter | the wool staple | the north tower | a boundary charter |
            the guild ordinances | silver pennies | the crossing | the relics | an annual rent | a treaty""",
        "how": """in perpetuity | for lack of heirs | by royal licence | at Michaelmas | in a crabbed hand |
            under interdict | with forty lances | on vellum | for a peppercorn | against custom""",
        "when": """In 1347 | After the pestilence | Under the regency | By this account | Two reigns later |
            At the old king's death""",
    },
    "weather": {
        "who": """a stalled front | the upper trough | sea fog | the ridge | sleet | the jet stream |
            a mesoscale low | hill snow | the gauge at Torval | thermals | the sounding | a dry slot | the cold pool |
            convective cells""",
        "did": """undercut | soaked | lingered over | veered across | split | dusted | warmed | outpaced | grounded |
            stalled above | scattered | froze""",
        "what": """the coastal strip | upland roads | the morning ascent | low stratus | sheltered valleys |
            the freezing level | northern ports | the estuary | wind farms | the valley inversion | exposed passes |
            the marginal slopes""",
        "how": """by a few hectopascals | in light airs | with thunder | ahead of guidance | near gale force |
            for three tides | as drizzle | under clear skies | at the tropopause | to sea level""",
        "when": """Towards evening | On the models | Since midnight | East of the divide | Into Thursday |
            By the noon chart""",
    },
}
