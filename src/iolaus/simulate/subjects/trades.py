"""Places where people work: who is there, what they did, to what, how, and when. One subject a block, words its own."""

from typing import Final

__all__ = ["SUBJECTS"]

SUBJECTS: Final[dict[str, dict[str, str]]] = {
    "harbour": {
        "who": """the pilot | our mooring gang | a Danish coaster | the harbour master | two tug crews |
            the crane driver | an auxiliary barge | customs | the lock keeper | a refrigerated trawler |
            the night watch | the dredger | stevedores | the surveyor""",
        "did": """turned away | cleared | lashed down | re-weighed | sounded | shifted astern | fumigated |
            signed for | roped off | condemned | towed | unloaded""",
        "what": """forty drums of resin | the eastern fairway | berth nine | a parted hawser | the ballast tanks |
            thirty pallets of slate | an unmarked container | the fenders | the leading lights | hatch three |
            a cargo of onions | the gangway""",
        "how": """despite the swell | under protest | before slack water | with one engine | on the agent's word |
            in thick fog | without a manifest | at double pay | by torchlight | from the seaward side""",
        "when": """At first light | On the ebb | Shortly after berthing | Once the squall passed |
            During the forenoon | By signal""",
    },
    "kitchen": {
        "who": """Chef | the pastry section | our new porter | a fishmonger | the sommelier | both apprentices |
            the inspector | table twelve | the sauce cook | an event planner | the dishwasher | my sister-in-law |
            the butcher | front of house""",
        "did": """sent back | over-salted | rested | scraped clean | reduced | tasted | ruined | portioned |
            blanched | reordered | flambéed | labelled""",
        "what": """the veal stock | nine trays of choux | a cracked terrine | the walk-in fridge | brown butter |
            the set menu | smoked eel | the sourdough starter | last week's rota | pickled walnuts | a whole turbot |
            the grease trap""",
        "how": """over a low flame | for the third service | against all advice | with tweezers | in copper pans |
            until glossy | between two seatings | without a timer | straight from the freezer | off the bone""",
        "when": """Mid-service | Before the doors opened | On delivery day | While plating | After the last cover |
            Around dusk""",
    },
    "theatre": {
        "who": """the prompter | a visiting director | our lead tenor | wardrobe | the lighting desk |
            three understudies | the board | a critic | the scenic carpenter | the chorus | an usher | the conductor |
            the fight coach | the playwright""",
        "did": """rewrote | walked out of | mistimed | restaged | praised | hemmed | whispered through | cut |
            rehearsed | dimmed | forgot | defended""",
        "what": """the second act | a trapdoor cue | the letter scene | six velvet coats | the overture |
            an entire monologue | the safety curtain | the fog machine | the matinee | act one's blackout |
            a painted forest | the curtain call""",
        "how": """to half a house | in socks | with the score closed | at breakneck speed | from the wings |
            without a microphone | for comic effect | through gritted teeth | on a bare stage | to long applause""",
        "when": """At the dress rehearsal | On opening night | Between calls | In previews | After the interval |
            Come the final week""",
    },
    "clinic": {
        "who": """the registrar | a locum | Mrs Abara's daughter | the ward sister | physiotherapy |
            an anxious father | the pharmacist on call | radiology | the receptionist | a trainee midwife |
            the cardiology team | our interpreter | triage | the dietitian""",
        "did": """reviewed | postponed | flushed | recorded | questioned | discharged after | explained | halved |
            repeated | escalated | missed | consented to""",
        "what": """the evening dose | a low potassium | two chest films | the cannula | bed fourteen's chart |
            a penicillin allergy | the wound dressing | the fasting glucose | an overdue referral | the waiting list |
            the spirometry | the discharge letter""",
        "how": """with the family present | by telephone | under local anaesthetic | after a second opinion |
            in clear terms | without delay | as a precaution | on paper only | against guidance | at the bedside""",
        "when": """On admission | Overnight | At handover | Following the scan | Six weeks on | Within the hour""",
    },
    "farm": {
        "who": """the vet | our neighbour's bull | the contractor | a late frost | two heifers | the co-operative |
            the shearer | wild boar | the drainage board | a travelling beekeeper | the grain buyer | the old collie |
            the agronomist | crows""",
        "did": """trampled | limed | drenched | undercut | fenced | flattened | culled | overgrazed | inspected |
            baled | sprayed | ploughed under""",
        "what": """the lower meadow | eleven ewes | the winter barley | a blocked culvert | the seed potatoes |
            the lambing shed | forty acres of rape | the slurry tank | the orchard hedge | a bogged tractor |
            the milking parlour | the beet clamps""",
        "how": """in one dry spell | at a loss | ahead of the rain | with borrowed kit | twice over | by hand |
            for the subsidy | to the last furrow | after a poor quote | despite the mud""",
        "when": """Before haymaking | At the spring sales | Through August | Since the thaw | On rent day |
            Past midnight""",
    },
    "railway": {
        "who": """the signaller | control | an engineering train | the relief driver | a lineside fire | the 06:12 |
            revenue staff | the platform camera | a points team | the timetable office | the leading coach |
            a school party | the guard | ballast cleaners""",
        "did": """held | overran | isolated | detrained | recoupled | blocked | reported | slowed | de-iced |
            rerouted | repainted | cancelled""",
        "what": """the down loop | a faulty axle counter | the viaduct span | platform four | nine empty wagons |
            the level crossing | a snapped pantograph | the tunnel mouth | the relay room | a hot bearing |
            the branch shuttle | the buffet car""",
        "how": """for ninety minutes | at walking pace | on degraded mode | behind the freight | by verbal order |
            under possession | within the margin | with lamps lit | as a trial | wrong-road""",
        "when": """In the morning peak | After the derailment | During engineering hours | On the Sunday diagram |
            Following rainfall | At close of traffic""",
    },
    "school": {
        "who": """Year Nine | the caretaker | a supply teacher | the chess club | Mr Halloran | the governors |
            an exchange pupil | the lab technician | the choir | parents of twins | the exams officer |
            the lollipop lady | the debating team | the bursar""",
        "did": """marked | evacuated | sat | confiscated | rehearsed for | appealed | photocopied | borrowed |
            vandalised | timetabled | voted on | dissected""",
        "what": """the mock paper | a fume cupboard | the spring fair | twenty recorders | the uniform rules |
            the lower hall | a missing register | the coursework deadline | sixty atlases | the ski trip |
            the detention list | the pond""",
        "how": """in silence | during assembly | with mixed results | for charity | at short notice | in pairs |
            without supervision | before the bell | to loud groans | in felt-tip""",
        "when": """Last term | On results day | At parents' evening | After half-term | In double science |
            By Friday's deadline""",
    },
    "newsroom": {
        "who": """the night editor | a stringer in Lima | legal | our data desk | the photographer |
            two rival papers | the obituarist | an unnamed minister | the fact checker | the press office |
            the printer | a whistleblower | the columnist | subscribers""",
        "did": """spiked | leaked | corrected | doorstepped | denied | captioned | embargoed | retracted |
            paraphrased | syndicated | tipped off | sat on""",
        "what": """the flood story | a forged memo | page three | the minister's diary | an exclusive |
            four column inches | the casualty figures | the weekend splash | a grainy picture | the quote | the poll |
            the apology""",
        "how": """on background | an hour late | without a second source | after much shouting |
            in the early edition | for balance | under a byline | with one phone call | at the lawyers' request |
            off the record""",
        "when": """At deadline | By the second edition | Over the weekend | When the wires moved |
            Since Tuesday's leak | At morning conference""",
    },
    "workshop": {
        "who": """the turner | a returned customer | the toolmaker | our Saturday lad | the lathe | a courier |
            the welder | the estimator | an apprentice | the upholsterer | the glazier | the foreman |
            a rep from Solingen | the varnisher""",
        "did": """trued | stripped | shimmed | dropped | annealed | quoted for | clamped | sanded through | rewired |
            re-tapped | scrapped | French-polished""",
        "what": """a walnut bureau | the chuck | seven brass hinges | the extractor | a bent crankshaft |
            the veneer press | the bandsaw guard | an Edwardian mirror | the order book | a batch of dowels |
            the spray booth | the vice""",
        "how": """to a hair's breadth | on the cheap | with hide glue | out of hours | from a pencil sketch |
            on spec | between centres | without a jig | for the trade | in one pass""",
        "when": """After tea break | Midweek | Once cured | In the slack season | On collection | Before invoicing""",
    },
    "laboratory": {
        "who": """the postdoc | our spectrometer | a reviewer | the cell line | the cold room | two control groups |
            the supplier | the ethics panel | an outlier | the summer student | the autosampler | the centrifuge |
            the principal investigator | batch C""",
        "did": """contaminated | replicated | titrated | mislabelled | calibrated | excluded | thawed | saturated |
            normalised | incubated | contradicted | pipetted""",
        "what": """the third aliquot | the baseline | sixteen mouse sera | a reagent lot | the standard curve |
            figure two | the freezer log | an agar plate | the blank | the primer set | the detector |
            the preprint""",
        "how": """at four degrees | in triplicate | beyond the noise | with fresh buffer | under nitrogen |
            for twelve hours | by a factor of ten | without blinding | below the limit | as registered""",
        "when": """On day seven | In the pilot | After centrifuging | At equilibrium | During peer review |
            Following thaw""",
    },
}
