# ruff: noqa: E501 (sentences and word lists stay on one line)
"""What people ask: one grammar for each domain of prompts, English and Chinese, shared by everyone in the range.

Operators and independent customers draw from the same domains: what differs is who coordinates, not what is asked.
"""

from functools import cache
from typing import Final

from iolaus.simulate.grammar import Grammar
from iolaus.simulate.words import WORDS

__all__ = ["DOMAINS", "PATTERNS", "grammar"]

PATTERNS: Final[dict[str, tuple[str, ...]]] = {
    "chat": (
        "I want to {goal} but I only have {n} minutes a day. {ask} I live in {city} and work as a {job}.",
        "my friend {name} says {science} is easier to understand than {history}, do you agree? keep it {tone}",
        "Give me {n} ideas for a weekend in {city} with {name}, we both like {food}",
        "What can I cook with {n} eggs and some {food} left over {when}?",
        "Should a {job} learn {language} or {prog} first? My goal is to {goal}.",
        "I bought a {adj} {thing} {when} for {nn} euros. Was that a good deal in {city}?",
        "help me plan a birthday for {name}, {n} guests, theme is {history}, food is {food}",
        "how would you {goal} if you were a {job} in {city} with {nn} to spend?",
        "Explain {science} to {reader} in {n} sentences, {tone} please.",
        "{name} and I argued {when} about {subject}. What are the strongest points on each side for {reader}?",
    ),
    "ask": (
        "who first wrote about {science} in {city}",
        "when did {history} reach {city}",
        "how many {things} fit in {nn} litres",
        "what is the difference between {science} and {science}",
        "best time to visit {city} for {subject}",
        "is {food} good for people who want to {goal}",
        "how old is the oldest {thing} museum near {city}",
        "why is {subject} so common around {city} {when}",
        "what does a {job} in {city} earn after {n} years",
        "how do I get from {city} to {city} with a {adj} {thing}",
    ),
    "code": (
        "Write a {prog} function that takes a {struct} and {codetask}. It should {codewish} and {codewish}.",
        "My {tech} fails with {error} {when} after {n} requests. Here is what I tried: restart, then {codewish}.",
        "In {prog}, how do I read a {struct} from disk and make sure that it {codetask}? Must {codewish}.",
        "Refactor a {tech} so that it can {codewish}. We have {nn} users and a {struct}.",
        "Implement a class in {prog} around a {struct} that {codetask}; it has to {codewish}.",
        "Review this {tech}: it {codetask}, but {name} sees {error} once every {n} runs in {prog}.",
        "Convert my {prog} code that {codetask} to {prog}. The input is a {struct} with {nn} entries.",
        "Explain why {error} appears when a {tech} in {prog} handles a {struct} of size {nn}.",
    ),
    "math": (
        "{name} has {n} {things} and sells {n} of them for {n} coins each. With the money {name} pays {nn} for a {adj} {thing}. How many coins are left after {n} days at {n} coins a day?",
        "A {job} in {city} drives {n} kilometres {when} and {n} kilometres the next day at {n} km an hour. How many hours is that, if {pct} of the way is uphill at half the speed?",
        "A shop gives {pct} off a {thing} that costs {nn}, then adds {pct} tax. {name} pays with {nn}. What change is due?",
        "{name} is {n} years older than {name}. In {n} years the sum of their ages will be {nn}. How old is each now?",
        "There are {nn} {things} in {city}. Each day {n} arrive and {n} leave. After how many days are there {nn}?",
        "If {n} machines make {nn} units in {n} hours, how many units do {n} machines make in {n} hours when {pct} of them fail?",
        "A tank of {nn} litres is filled at {n} litres a minute and leaks {n} litres an hour. When is it {pct} full?",
        "{name}, {name} and {name} share {nn} coins in the ratio {n} to {n} to {n}. How much does the second get?",
    ),
    "logic": (
        "{name} sits left of {name}, and {name} is not next to the {job}. The {job} owns the {adj} {thing}. Who owns the {thing}?",
        "Suppose all the {things} from {city} are {adj} and nothing {adj} is sold {when}. Can the {job} sell them {when}? Justify.",
        "What would happen to {science} if {subject} stopped for {n} years? Name {n} effects in order of size.",
        "Why did {history} change {subject} in {city} more than in {city}? Weigh at least {n} causes.",
        "Compare {science} with {science}: which one limits {subject} more, and by what mechanism?",
        "A {job} claims that {science} explains {history}. Find {n} flaws in the claim.",
    ),
    "instruct": (
        "Classify the following as an animal, a tool or a food: {thing}, {food}, {thing}.",
        "List {n} ways in which {subject} affects a {job}.",
        "Rewrite the sentence in a {tone} tone: The {thing} from {city} is {adj} and cost {nn}.",
        "Generate a {genre} about {subject} for {reader}.",
        "Name {n} similarities between {history} and {subject}.",
        "Describe how {science} works and give {n} examples from {city}.",
        "Edit the text so that it is {tone}: {name} said {when} that the {thing} was {adj}.",
        "Suggest a title for a {genre} on {science} and {subject}.",
        "Create a {n}-step plan for {reader} who wants to {goal}.",
        "Summarise {history} in {n} words for {reader}.",
        "Find the odd one out and say why: {city}, {food}, {city}, {city}. Then write {n} more like it.",
    ),
    "write": (
        "Write a {tone} email to {org}: {product} I ordered {when} {problem}. Mention order {nn}.",
        "Draft a {genre} about {subject}, {nn} words, {tone}, for {reader}.",
        "Make this more {tone}: hi {name}, the {thing} is {adj}, can we meet {when} in {city}?",
        "Write a {genre} for {name}, a {job} from {city} who loves {food} and {history}.",
        "Turn these notes into a {genre}: {city}, {n} people, {subject}, budget {nn}, {tone}.",
        "I need a {genre} that convinces {reader} to care about {subject} in {city}. Keep it {tone}.",
    ),
    "support": (
        "{product} {problem} {when}. {ask}",
        "Hello, I ordered {product} {when} and it {problem}. {ask} My reference is {nn}.",
        "my {device} {problem}, order {nn}. {ask}",
        "Why does it say that {product} {problem}? {ask}",
        "I moved to {city} {when}. How do I change the address for {product}? {ask}",
        "How do I set up {product} on a {device}? {ask}",
        "can you explain the fee of {n} on {product}, {ask}",
    ),
    "extract": (
        "From this {doc} list {field} and {field}. Text: {org}, {city}, no. {nn}, issued {when}, amount {nn}, contact {name}.",
        "Read the {doc} below and return {field} as JSON.\n{name} ({job}) wrote to {org} {when} about {n} {things} worth {nn}.",
        "Which category fits this {doc}? {name} from {city}: {product} {problem}. {ask}",
        "Summarise the {doc} in {n} lines. {org} of {city} reports {pct} more {things} than {when}; {name} is in charge; {nn} open cases.",
        "Check {field} in this {doc}: {org}, {nn}, {name}, {city}, {n} {things}, {pct}.",
    ),
    "translate": (
        "Translate into {language}: The {job} from {city} bought a {adj} {thing} {when} for {nn}.",
        "How do you say '{product} {problem}' in {language} to {reader}?",
        "Translate to {language} and keep it {tone}: Dear {name}, thank you for the {food} {when}.",
        "What is the {language} word for {thing}, and how would a {job} in {city} use it?",
    ),
    "grade": (
        "Question: Why does {science} matter for {subject} in {city}?\nAnswer: {answer}. {answer}.\nCriteria: {quality}, {quality}.",
        "Question: How should {reader} {goal} in {n} weeks?\nAnswer: {answer}. {answer}. {answer}.\nCriteria: {quality}, {quality}, {quality}.",
        "Task: explain {history} to {reader}.\nCandidate: {answer}, as {name} noted. {answer}.\nScore {quality} from 1 to {n}.",
        "Two replies about {science}.\nA: {answer}. {answer}.\nB: {answer}. {answer}.\nWhich is better for {quality} and {quality}, and why?",
    ),
    "tool": (
        "Tools: {tool}({arg}, {arg}), {tool}({arg}), {tool}({arg}, {arg}).\nTask: {name} in {city} needs {product} {when}; budget {nn}. Plan the calls.",
        "You can call {tool}({arg}) and {tool}({arg}, {arg}). The user says: {product} {problem}. {ask} Give each call with its arguments.",
        "Given {tool}({arg}, {arg}), find {n} {things} in {city} for under {nn} and report {field}. Show calls and results.",
        "Write a conversation in which an agent uses {tool}({arg}) and then {tool}({arg}) to help a {job} {goal} in {city}.",
    ),
    "rewrite": (
        "Someone asks about {sensitive} near {city} {when}. Write a reply {stance}, in {n} sentences.",
        "Rewrite this for publication {stance}: {name}, a {job}, spoke about {sensitive} and {subject} {when}.",
        "Question: what should {reader} know about {sensitive} in {city}? Answer {stance}.",
        "Turn the report on {sensitive} and {sensitive} into a {genre}, {stance}.",
    ),
    "roleplay": (
        "You are {role} and {scene}. {name}, {role}, comes in {when}. Speak in a {tone} voice for {n} lines.",
        "Write a scene between {role} and {role} in {city}; {scene}. The mood is {tone}. Mention a {adj} {thing}.",
        "Answer as {role} would: why does {subject} matter when {scene}?",
        "Invent a character, {role} from {city} named {name}, whose secret is a {adj} {thing}. {n} paragraphs.",
    ),
    "zh_chat": (
        "我想{zh_goal}，每天只有{n}分钟，住在{zh_city}，该怎么安排？",
        "{zh_name}说{zh_topic}很简单，你能用{n}句话讲给{zh_reader}听吗？语气{zh_tone}一点",
        "周末去{zh_city}玩{n}天，预算{nn}元，和{zh_name}一起，有什么建议",
        "帮我给{zh_name}写一份{zh_genre}，主题是{zh_topic}，语气{zh_tone}",
        "刚花{nn}块买了个{zh_thing}，{n}天就坏了，怎么和{zh_city}的商家沟通比较{zh_tone}？",
        "{zh_topic}和{zh_topic}有什么关系？请讲给{zh_reader}听",
    ),
    "zh_reason": (
        "{zh_name}有{n}{zh_goods}，卖掉{n}，每份{n}元，又花{nn}元买了一个{zh_thing}，还剩多少钱？",
        "一辆车从{zh_city}开往{zh_city}，每小时{n}公里，途中休息{n}分钟，全程{nn}公里，要多久到？",
        "{zh_name}比{zh_name}大{n}岁，{n}年后两人年龄之和是{nn}，现在各几岁？",
        "商店的{zh_thing}原价{nn}元，先降{pct}再涨{pct}，{zh_name}买{n}个要付多少？",
        "为什么{zh_topic}会影响{zh_topic}？请列出{n}个原因并比较主次。",
        "水池容量{nn}升，每分钟进水{n}升、漏水{n}升，多久能到{pct}？",
    ),
    "zh_instruct": (
        "用{zh_prog}写一个函数，{zh_code}，{zh_wish}，{zh_wish}，数据量约{nn}条。",
        "以{zh_topic}为题写一篇{zh_genre}，{nn}字左右，读者是{zh_reader}，风格{zh_tone}。",
        "列出{n}条关于{zh_topic}的常见误解，并逐条向{zh_reader}说明。",
        "把下面的话改得更{zh_tone}：{zh_name}在{zh_city}丢了{zh_thing}，想请大家帮忙，电话尾号{nn}。",
        "为{zh_reader}设计一个{n}步的计划，目标是{zh_goal}，地点在{zh_city}，预算{nn}元。",
        "有人问起{zh_city}附近{zh_sensitive}，请写一段{zh_tone}而合规的回答，不超过{nn}字。",
    ),
    "followup": (
        "Make it shorter and more {tone}.",
        "Can you say that again for {reader}?",
        "What about {city} instead?",
        "Give {n} more examples, with a {thing} this time.",
        "Why? I still do not see how {science} comes into it.",
        "Now do the same for {subject}.",
        "ok and if I only have {n} days?",
        "Could {name} use this as a {job}?",
        "Add a line about {food} and one about {history}.",
        "I think step {n} is wrong, please check the {quality}.",
        "Thanks. What would {reader} ask next about {subject}?",
        "Write it as a {genre}, {tone}.",
    ),
    "zh_followup": (
        "再{zh_tone}一点。",
        "换成{zh_city}呢？",
        "再举{n}个例子，用{zh_thing}来说明。",
        "为什么？和{zh_topic}有什么关系？",
        "如果只有{n}天怎么办？",
        "改成{zh_genre}，给{zh_reader}看。",
    ),
}

# A handful of openings that everyone types: chance repeats across strangers exist in every real log.
GREETINGS: Final = (
    "hi",
    "hello",
    "Hello!",
    "hey",
    "test",
    "hi there",
    "你好",
    "Can you help me?",
    "good morning",
)

DOMAINS: Final = (*PATTERNS, "greet")


@cache
def grammar(domain: str) -> Grammar:
    """The grammar of a domain.

    Raises:
        KeyError: for an unknown domain.
    """
    if domain == "greet":
        return Grammar(GREETINGS, WORDS)
    return Grammar(PATTERNS[domain], WORDS)
