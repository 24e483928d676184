"""Word lists for the English and Chinese grammars; all of it written for this project."""

from typing import Final

__all__ = ["WORDS"]


def _split(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(w.split()) for w in text.split("|") if w.strip()))


WORDS: Final[dict[str, tuple[str, ...]]] = {
    "n": tuple(str(i) for i in range(2, 98)),
    "nn": tuple(str(i) for i in range(110, 4990, 7)),
    "pct": tuple(f"{i}%" for i in range(3, 96)),
    "name": _split(
        """Amira|Bao|Celeste|Dmitri|Esther|Farid|Greta|Hiro|Ines|Jonas|Keiko|Lucia|Mateo|Nadia|Oskar|Priya|
        Quentin|Rosa|Soren|Tariq|Uma|Viktor|Wren|Xenia|Yusuf|Zofia|Anil|Beatriz|Callum|Dalia|Emeka|Freya|
        Gustavo|Hana|Ivo|Jamila|Kofi|Leena|Marek|Noor|Orla|Pavel|Renata|Sanjay|Thea|Ulf|Vera|Wanda"""
    ),
    "city": _split(
        """Lisbon|Osaka|Nairobi|Bergen|Porto Alegre|Leeds|Austin|Kraków|Hanoi|Montreal|Adelaide|Ghent|Pune|
        Valencia|Tampere|Cusco|Sapporo|Tbilisi|Accra|Duluth|Izmir|Malmö|Rotterdam|Quito|Brno|Galway|Jaipur|
        Taichung|Windhoek|Halifax|Cork|Bilbao|Perth|Lyon|Trieste|Tucson"""
    ),
    "thing": _split(
        """bicycle|kettle|greenhouse|tent|violin|desk lamp|rowing boat|camera|bookshelf|water pump|toolbox|
        suitcase|radio|printer|garden hose|clock|drone|sewing machine|ladder|coffee grinder|heater|canoe|
        telescope|scooter|blender|mattress|fence|solar panel|piano|backpack|wardrobe|thermostat"""
    ),
    "things": _split(
        """crates of oranges|boxes of tiles|sacks of rice|rolls of cloth|jars of honey|bundles of firewood|
        trays of eggs|cartons of milk|bags of cement|stacks of chairs|bottles of oil|packs of batteries|
        baskets of apples|sheets of plywood|bins of screws|cases of notebooks|barrels of cider|reels of cable|
        pots of paint|loaves of bread"""
    ),
    "food": _split(
        """lentil soup|roasted squash|rice noodles|mushroom risotto|flatbread|black bean chili|fish stew|
        potato salad|spinach pie|peanut curry|barley porridge|tomato tart|stuffed peppers|cabbage rolls|
        chickpea salad|egg fried rice|pear cake|oat biscuits|leek quiche|ginger broth|corn fritters|
        plum dumplings|seed crackers|carrot slaw"""
    ),
    "job": _split(
        """nurse|carpenter|museum guide|tax adviser|bus driver|pharmacist|shop owner|marine biologist|plumber|
        school librarian|florist|paralegal|surveyor|baker|midwife|translator|locksmith|choir leader|
        data analyst|farmer|set designer|electrician|physiotherapist|warehouse lead"""
    ),
    "science": _split(
        """tides|photosynthesis|superconductors|plate tectonics|the immune system|enzyme kinetics|black holes|
        ocean acidity|semiconductors|bird migration|soil bacteria|gravitational lenses|protein folding|
        glacier flow|muscle fatigue|the water cycle|lightning|vaccines|the greenhouse effect|catalysts|
        sleep|volcanic ash|fermentation|sound waves|crystal growth|radio telescopes|gene regulation|
        magnetism|surface tension|battery ageing|coral bleaching|optical fibres"""
    ),
    "history": _split(
        """the Hanseatic League|the silk trade|early printing|canal building|the grain trade|the abolition
        movement|medieval guilds|railway finance|the spice routes|land reform|the age of sail|city walls|
        early banking|the telegraph|the plague years|colonial taxation|women's suffrage|the steam engine|
        the first censuses|ancient aqueducts|lighthouse keeping|the wool trade|paper money|
        the potato famine"""
    ),
    "subject": _split(
        """remote work|public transport|school uniforms|renewable energy|urban gardening|online privacy|
        museum funding|electric cars|food waste|language learning|noise pollution|volunteering|tourism|
        open-source software|housing costs|screen time|water saving|team sports|local news|recycling|
        night shifts|pet adoption|handwriting|home insulation|minimum wages|space exploration"""
    ),
    "goal": _split(
        """sleep better|save for a house|learn to swim|train for a half marathon|declutter a flat|
        start a blog|change careers|read more books|cook on a budget|plan a wedding|grow herbs indoors|
        train a puppy|learn the guitar|prepare for an interview|move abroad|run a book club|build a shed|
        cut down on sugar|organise photos|pass a driving test|mend clothes|write a will|
        host a dinner|paint a room"""
    ),
    "tone": _split(
        """friendly|formal|warm|brisk|playful|plain|apologetic|confident|neutral|encouraging|firm|humble|
        witty|patient|direct|gentle"""
    ),
    "adj": _split(
        """old|small|noisy|reliable|cheap|fragile|heavy|modern|borrowed|rusty|compact|elegant|worn|portable|
        quiet|bulky|spare|custom|handmade|faulty"""
    ),
    "when": _split(
        """on Monday|last night|two weeks ago|this morning|in early spring|before the holidays|yesterday|
        at the weekend|a month ago|after lunch|since the update|on my day off|during the storm|last summer|
        around noon|just now"""
    ),
    "reader": _split(
        """a ten-year-old|a busy manager|a first-year student|my grandmother|a new colleague|a sceptical client|
        a beginner|someone in a hurry|a general audience|an expert in another field|a pen pal|
        a night-shift team|a parent|a small business owner"""
    ),
    "language": _split(
        """French|Portuguese|Polish|Swahili|Korean|Turkish|Dutch|Vietnamese|Finnish|Greek|Hindi|Spanish|
        Czech|Indonesian|German|Japanese|Italian|Arabic"""
    ),
    "prog": _split(
        """Python|Rust|Go|TypeScript|Java|C#|Kotlin|Swift|C++|Ruby|PHP|Scala|Elixir|JavaScript|Haskell|Lua"""
    ),
    "struct": _split(
        """list of intervals|binary tree|adjacency matrix|linked list|string of brackets|priority queue|
        sparse matrix|list of timestamps|nested dictionary|stream of integers|ring buffer|trie|
        undirected graph|deck of cards|grid of characters|sorted array|set of points|log file|
        CSV table|hash map"""
    ),
    "codetask": _split(
        """returns the longest run of equal values|merges overlapping entries|finds the k most frequent elements|
        detects a cycle|reverses every second block|computes a running median|removes duplicates in place|
        checks whether it is balanced|counts connected groups|finds the shortest path|
        groups entries by a key|rotates it by a given offset|splits it into equal parts|
        validates its format|sums values in a sliding window|finds the first gap|
        serialises it compactly|compares two versions|samples without replacement|
        sorts it by two keys|flattens it lazily|evicts the oldest entry"""
    ),
    "codewish": _split(
        """handle empty input|run in linear time|avoid recursion|include three unit tests|use no third-party code|
        explain the complexity|raise a clear error on bad input|support negative numbers|
        keep memory constant|add type annotations|work for very large files|preserve the original order|
        be safe for several threads|print nothing|document every argument|return an iterator"""
    ),
    "error": _split(
        """a null reference|an index out of range|a type mismatch|a timeout|an encoding error|a deadlock|
        a permission error|an import cycle|a broken pipe|a memory leak|a race condition|
        a certificate failure|an off-by-one result|a stale cache|a failed migration|
        an unexpected token"""
    ),
    "tech": _split(
        """Django view|React component|Dockerfile|SQL join|cron job|Kubernetes probe|regular expression|
        shell script|unit test|REST endpoint|message queue|spreadsheet macro|CSS grid|build pipeline|
        login form|database index|webhook|nginx rule|pandas pipeline|background worker|
        mobile layout|cache layer|config file|GraphQL query"""
    ),
    "product": _split(
        """running shoes|a phone contract|a gym pass|noise-cancelling headphones|a coffee subscription|
        travel insurance|a parcel|a broadband router|concert tickets|a rental car|a streaming plan|
        a winter coat|an air purifier|a hotel room|a debit card|a library card|a train pass|
        a gift voucher|contact lenses|a smart bulb|a meal kit|a savings account"""
    ),
    "problem": _split(
        """arrived damaged|was charged twice|never turned up|stopped working|is the wrong size|
        cannot be cancelled|shows an error|was declined|expired too early|is missing a part|
        was sent to my old address|has the wrong name on it|keeps disconnecting|
        costs more than advertised|was returned but not refunded|is locked"""
    ),
    "ask": _split(
        """What should I do?|Can you fix this?|I would like a refund.|How long will it take?|
        Please call me back.|Is there a form for this?|Who can I speak to?|I need it by Friday.|
        Can I swap it?|Please cancel it.|Do I need a receipt?|What are my options?|
        I have tried twice already.|Could you check my order?|This is the second time.|
        Thanks in advance."""
    ),
    "doc": _split(
        """invoice|delivery note|lab report|meeting transcript|lease|insurance claim|job advert|
        patient leaflet|customer review|purchase order|incident report|press release|survey answer|
        shipping manifest|bank statement|course outline|inspection record|support ticket|warranty card|
        tender notice"""
    ),
    "field": _split(
        """the total|the due date|all names|the reference number|the currency|every address|the sender|
        the order lines|the tax rate|the signatory|the delivery terms|any deadlines|the main complaint|
        the serial number|the contact person|the risk level"""
    ),
    "org": _split(
        """Northfield Clinic|Alder & Sons|Quayside Logistics|Bluefern Foods|Harrow Print|Tern Bank|
        Copper Lane Studio|Meridian Tiles|Oakmoor School|Saltmarsh Energy|Pinnacle Bikes|Larkspur Travel|
        Union Street Bakery|Dovetail Joinery|Riverbend Council|Kestrel Cargo|Mossway Gardens|
        Brightwell Labs|Fairhaven Hotel|Stonebridge Legal"""
    ),
    "device": _split(
        """phone|laptop|tablet|router|smart watch|television|printer|game console|doorbell camera|
        e-reader|thermostat|headset|projector|dashcam"""
    ),
    "tool": _split(
        """search_flights|get_weather|create_invoice|lookup_order|send_message|query_database|
        book_table|convert_currency|list_files|translate_text|set_reminder|resize_image|
        find_route|check_stock|open_ticket|schedule_meeting|read_sensor|fetch_page|
        run_report|track_parcel"""
    ),
    "arg": _split(
        """city: string|date: string|amount: number|user_id: string|limit: integer|path: string|
        language: string|unit: string|query: string|priority: integer|start: string|end: string|
        currency: string|verbose: boolean"""
    ),
    "quality": _split(
        """correctness|clarity|completeness|depth of reasoning|tone|use of evidence|structure|conciseness|
        originality|helpfulness|factual support|faithfulness to the question|readability|safety|
        calibration|relevance"""
    ),
    "answer": _split(
        """The main cause is pressure, because it builds faster than it can escape|
        It depends on the season, and local records show both patterns|
        There are two parts, and the second follows from the first|
        Most people agree, though the evidence is thin|
        You multiply both sides and then divide by the remainder|
        The author argues for patience and gives one example|
        It was built for trade and later kept for defence|
        Heat moves outward until both sides are equal|
        The cheapest choice is to repair it at home|
        A shorter route exists, but it is closed in winter|
        The rule applies only to the first case|
        Cells copy the signal and pass it along|
        It began as a tax and became a custom|
        The numbers do not add up unless one is counted twice|
        Start with the smallest piece and work outwards|
        Neither claim can be tested with these data"""
    ),
    "sensitive": _split(
        """a banned newspaper|a disputed border|a protest in the capital|a jailed writer|a leaked report|
        an annulled election|a censored film|a state broadcaster|a labour strike|an exiled minister|
        a demolished shrine|a internet shutdown|a forced relocation|a secret trial|
        a suppressed census|a disputed island|a union ban|a travel ban"""
    ),
    "stance": _split(
        """without naming any official|in language a censor would pass|so that no party is blamed|
        leaving out dates and places|as an official statement would put it|
        with the sensitive terms replaced by softer ones|so that it stays within publishing rules|
        in a calm and harmless way|as a neutral encyclopaedia entry|
        while declining the political part politely"""
    ),
    "role": _split(
        """a lighthouse keeper|a retired detective|a ship's cook|a court jester|a village healer|a tired astronaut|
        a strict conductor|a smuggler|a talking fox|a clockmaker|a desert guide|a rival chef|
        a ghost in a library|a space customs officer|a nervous knight|a map seller"""
    ),
    "scene": _split(
        """a storm is coming|the last train has left|a stranger asks for shelter|the harvest has failed|
        a letter arrives late|the power goes out|two rivals must share a table|a map turns out to be wrong|
        someone has taken the key|the market is about to close|the bridge is closed|
        an old friend does not recognise you|the judge is asleep|the tide is turning"""
    ),
    "genre": _split(
        """short story|limerick|product description|cover letter|thank-you note|toast|blog post|
        speech|poem|news item|letter to a neighbour|diary entry|recipe card|slogan|complaint|
        invitation|haiku|dialogue|eulogy|newsletter paragraph"""
    ),
    "zh_name": _split(
        "小林|阿明|王芳|李强|陈静|老周|小赵|孙丽|刘洋|何敏|阿杰|吴昊|郑爽|徐磊|高远|马骏|宋佳|朱琳|胡斌|郭涛"
    ),
    "zh_city": _split("杭州|成都|西安|大连|厦门|昆明|南京|青岛|长沙|苏州|桂林|哈尔滨|武汉|贵阳|珠海|洛阳|无锡|兰州"),
    "zh_thing": _split(
        "自行车|雨伞|台灯|书架|水壶|相机|钢琴|背包|闹钟|风扇|行李箱|望远镜|打印机|沙发|地图|剪刀|花瓶|电池"
    ),
    "zh_goods": _split(
        "箱苹果|袋大米|盒铅笔|桶食用油|捆木材|卷布料|瓶蜂蜜|包茶叶|筐鸡蛋|把椅子|块瓷砖|本练习册|罐油漆|盆绿植"
    ),
    "zh_topic": _split(
        """潮汐的成因|光合作用|半导体原理|板块运动|免疫系统|候鸟迁徙|超导现象|土壤微生物|雷电的形成|疫苗原理|
        温室效应|睡眠周期|发酵过程|冰川流动|蛋白质折叠|黑洞|丝绸之路|古代水利|早期印刷术|运河的历史|
        城市交通|远程办公|垃圾分类|在线教育|新能源汽车|老龄化|阅读习惯|食品安全"""
    ),
    "zh_goal": _split(
        """学游泳|准备面试|减少熬夜|整理房间|学做川菜|写年终总结|练书法|规划旅行|存钱买房|学一门外语|
        备考研究生|养一只猫|跑半程马拉松|种阳台蔬菜|写求职信|组织班会|学摄影|改善睡眠"""
    ),
    "zh_reader": _split(
        "小学生|刚入职的同事|没有基础的读者|爷爷奶奶|赶时间的经理|外国朋友|大一新生|普通观众|家长|客户"
    ),
    "zh_tone": _split("轻松|正式|亲切|幽默|简洁|诚恳|委婉|鼓励|中立|有力"),
    "zh_genre": _split(
        "短文|请假条|演讲稿|感谢信|产品介绍|通知|小故事|五言诗|朋友圈文案|新闻稿|会议纪要|读后感|倡议书|自我介绍"
    ),
    "zh_prog": _split("Python|Java|Go|C++|Rust|JavaScript|TypeScript|Kotlin"),
    "zh_code": _split(
        """合并重叠区间|判断括号是否匹配|统计出现次数最多的元素|检测链表中的环|计算滑动窗口的最大值|
        按两个键排序|去除重复行|把嵌套字典展开|求最短路径|校验日期格式|反转每一组节点|解析日志文件"""
    ),
    "zh_wish": _split(
        "要处理空输入|时间复杂度要尽量低|不要用递归|附上三个测试|写清楚注释|不使用第三方库|说明空间复杂度|保持原有顺序"
    ),
    "zh_sensitive": _split(
        """一份被停刊的报纸|一次首都的集会|一处有争议的边界|一位流亡的作家|一份泄露的报告|一部被禁的电影|
        一次罢工|一场不公开的审判|一次断网|一次搬迁"""
    ),
}
