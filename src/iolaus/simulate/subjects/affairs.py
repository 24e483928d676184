"""What people write to each other about: homes, money, travel, law, sport. One subject a block, words its own."""

from typing import Final

__all__ = ["SUBJECTS"]

SUBJECTS: Final[dict[str, dict[str, str]]] = {
    "tenancy": {
        "who": """my landlady | the letting agency | flat 3B | a loss adjuster | the freeholder | our lodger |
            the boiler man | the neighbours above | the council | a locksmith | the managing agent |
            the previous tenant | damp | a decorator""",
        "did": """withheld | ignored | painted over | served | raised | disputed | inherited | photographed |
            promised | patched | sublet | flooded""",
        "what": """the deposit | a notice to quit | the bathroom ceiling | the inventory | the service charge |
            a mouldy wardrobe | the fire door | the bicycle store | the party wall | two radiators |
            the lease extension | the entryphone""",
        "how": """in breach of contract | by recorded post | without a receipt | over my objections |
            for eleven weeks | in writing | on a bank holiday | out of spite | through a solicitor | with one coat""",
        "when": """Since moving in | In the cold snap | On the first of the month | At checkout | After the survey |
            Twice this quarter""",
    },
    "voyage": {
        "who": """our guide | the sleeper train | a border guard | the rucksack | two cyclists | the monsoon |
            a tea seller | the ferry | the hostel cat | my travel companion | the mule | the embassy |
            an old cartographer | the minibus""",
        "did": """crossed | stranded | haggled over | mislaid | circled | photographed | overcharged for |
            slept through | climbed | stamped | followed | described""",
        "what": """a salt desert | the wrong island | the night market | my passport | a rope bridge |
            the summit hut | the hot springs | three checkpoints | a ruined caravanserai | the left luggage |
            a glacier tongue | the last bus""",
        "how": """on foot | for a pittance | in flip-flops | by moonlight | without a map | in four languages |
            under a tarpaulin | with a fever | past curfew | to everyone's surprise""",
        "when": """At dawn | On the ninth day | Beyond the pass | In the rainy season | Before the visa lapsed |
            That evening""",
    },
    "ledger": {
        "who": """the auditor | Treasury | a dormant subsidiary | the creditors | our Lisbon branch |
            the pension trustee | an activist fund | the controller | petty cash | the underwriter | the tax office |
            payroll | the holding company | a factor""",
        "did": """wrote down | reclassified | hedged | overstated | waived | accrued | guaranteed | restated | swept |
            refinanced | netted | impaired""",
        "what": """the goodwill | a disputed invoice | second-half margins | the overdraft | the lease liability |
            foreign receipts | deferred revenue | the dividend | stock in transit | the bridge loan |
            a warranty reserve | intercompany balances""",
        "how": """at par | for prudence | by six basis points | under the covenant | net of duty |
            without disclosure | pending litigation | in local currency | on a cash basis | ahead of plan""",
        "when": """At year end | In the third quarter | Post-closing | On the balance sheet date | Before interest |
            Year on year""",
    },
    "court": {
        "who": """the appellant | Her Honour | the expert witness | the third defendant | opposing counsel |
            the bailiff | the tribunal | a juror | the claimant company | the executor | the court of first instance |
            the notary | the debtor | the mediator""",
        "did": """struck out | conceded | adjourned | pleaded | construed | overruled | tendered | quashed |
            cross-examined on | apportioned | stayed | relied upon""",
        "what": """clause nineteen | the limitation defence | an oral variation | costs | the freezing order |
            the skeleton argument | the codicil | liability in tort | the exhibits | a without-prejudice letter |
            the schedule of loss | the right of way""",
        "how": """on the papers | obiter | with reluctance | by consent | for want of notice | in chambers |
            on the balance of probabilities | ex tempore | in the alternative | with liberty to apply""",
        "when": """At the hearing | Upon appeal | Per the judgment | On disclosure | In closing | Prior to trial""",
    },
    "match": {
        "who": """the visitors | their left-back | the substitute | a linesman | United's captain | the keeper |
            the home crowd | the physio | the manager | the under-nineteens | a deflected shot | the midfield |
            the video referee | the veteran striker""",
        "did": """squandered | headed clear | equalised from | booked for | pressed high against | saved | nutmegged |
            parried | conceded | overturned | hobbled off after | curled in""",
        "what": """a soft penalty | the near post corner | two yellow cards | the derby | a forty-yard ball |
            the offside trap | the aggregate lead | a scramble | the free kick | the relegation scrap | an open goal |
            the opening minute""",
        "how": """in stoppage time | with ten men | against the run of play | on a heavy pitch | off the crossbar |
            at full stretch | before a sell-out | without reply | from the bench | under floodlights""",
        "when": """After the break | In the first leg | On the hour | From the restart | Away from home |
            Deep into extra time""",
    },
    "garden": {
        "who": """the wisteria | a hedgehog | our allotment | slugs | the compost | the tree surgeon | late tulips |
            the water butt | next door's ivy | blackfly | the greenhouse | a robin | the rhubarb |
            the seed merchant""",
        "did": """smothered | outgrew | mulched | pruned | bolted beside | shaded | reseeded | strangled | attracted |
            scorched | divided | nibbled""",
        "what": """the broad beans | a clump of asters | the trellis | the gravel path | the asparagus bed |
            a potted lemon | the lawn edge | the dahlias | a rotten post | the bird bath | the raised beds |
            the quince""",
        "how": """after rain | in full sun | to the root | with old netting | in clay | for two summers |
            below the frost line | without feed | beyond rescue | along the wall""",
        "when": """In April | Under glass | Once established | By midsummer | At leaf fall | This past winter""",
    },
    "council": {
        "who": """the ward members | an objector | highways | the chair | the planning officer | a petition |
            the clerk | the heritage society | the bus operator | residents of Mill Lane | the treasurer |
            the developer | the parish | the flood warden""",
        "did": """minuted | deferred | seconded | voted down | costed | tabled | abstained on | amended |
            scrutinised | carried | noted | lobbied for""",
        "what": """the cycle lane | application 114 | the library roof | a weight limit | the skate park |
            allotment rents | the bypass survey | standing orders | the youth grant | a mobile mast |
            the market charter | kerbside bins""",
        "how": """nem con | by nine to four | subject to funding | after a site visit | with conditions |
            in closed session | at no cost | on the casting vote | for information | under any other business""",
        "when": """Under item six | At the extraordinary meeting | In committee | Pending legal advice |
            From April onward | At the last session""",
    },
    "family": {
        "who": """Grandpa | your cousin Edie | the twins | Auntie Rosalind | the in-laws | my stepbrother |
            our eldest | the godmother | Uncle Lem | the baby | half the wedding guests | the dog | Mum |
            the removal men""",
        "did": """forgot | hid | fell out over | toasted | knitted | inherited | broke | scanned | teased us about |
            confessed to | kept | wept at""",
        "what": """the christening mug | an unsigned card | the seating plan | Nana's recipes | a box of slides |
            the caravan | the piano stool | the surprise party | those love letters | the holiday cottage |
            his medals | the speech""",
        "how": """for years | in the attic | with a straight face | over pudding | in her best handwriting |
            without telling anyone | on the drive home | out of kindness | two at a time | beside the fire""",
        "when": """At Christmas | Before the funeral | When we were small | On her ninetieth | Sunday last |
            The summer we moved""",
    },
}
