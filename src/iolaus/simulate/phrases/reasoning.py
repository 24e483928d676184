# ruff: noqa: E501 (one demand a line)
"""How people ask for reasoning: what they demand, each demand in several wordings, and the small words around it.

One line is one demand, its wordings between bars. No run of three words is common to all wordings of a demand.
"""

from typing import Final

__all__ = ["DEMANDS", "SYNONYMS"]

DEMANDS: Final[dict[str, str]] = {
    # Follows a verb and its object.
    "steps": """
        one step at a time | moving forward in single strides | never taking two leaps at once | bit by bit, each stage after the last | gradually and in order
        in numbered steps | numbering each move you make | as a list that runs 1, 2, 3 and on | with a figure in front of every stage | so that all stages carry their own number
        from first principles | starting at the basic laws alone | building up from what is certain | without leaning on ready-made formulas | deriving all you use from the ground up
        laying out every intermediate result | with all partial values written down | keeping each halfway figure on the page | reporting what you have after every stage | so that nothing in between stays hidden
        without skipping anything | leaving no gap between two lines | passing over nothing, however small | with even the obvious parts spelled out | in full, trivial moves included
        with your scratch work visible | keeping rough notes in plain sight | showing the scribbles you would make on paper | rough calculations included | as if your notepad were part of the reply
        as you would on a whiteboard | the way a teacher does it before a class | as though pupils were watching | in the manner of a lesson | like someone at the front of a lecture hall
        noting each assumption you make | stating what you take for granted | with all premises named | making clear which things you suppose | flagging whatever is presumed
        double-checking every line | verifying each part before moving on | testing all of it a second time | going back over what you wrote after each part | with a control of every move
        stating why each step holds | giving the rule behind every move | justifying all transitions | with a reason attached to each line | so that no claim stands without grounds
        trying at least two routes | by more than one method | comparing different ways to get there | with an alternative beside the main approach | along independent paths
        beginning with a small example | trying an easy case before the hard one | using a toy instance as a warm-up | after a test with tiny inputs | with a simplified version settled ahead of the real one
        splitting it into smaller questions | by way of sub-tasks settled separately | part by part, joined at the end | decomposing the whole into pieces | with the large issue cut into little ones
    """,
    # A sentence of its own.
    "finish": """
        Finish with the final answer on its own line. | Put what you arrive at on a separate last row. | The outcome gets the bottom row to itself. | Let your result stand alone below everything else. | Leave a blank line, then write only the solution.
        Close with a one-line answer. | Sum up in a single sentence. | Your last words should fit on one row. | Wrap up in no more than ten words. | A short closing remark must hold the outcome.
        End by restating the result. | Say once more what you found. | Repeat the outcome as you close. | Before you stop, write the solution again. | The finding should appear a second time below.
        Put the conclusion last. | Hold back the verdict until everything else is written. | The outcome comes after all the rest. | Nothing may follow what you conclude. | Only then give the answer.
        At the end, say how sure you are. | Add your confidence as a percentage. | How certain do you feel? Write it below. | Rate the reliability of what you found. | State the odds that this is right.
        Mark the answer with the word RESULT. | Write RESULT: before what you conclude. | The token RESULT should introduce your solution. | Tag the outcome RESULT so that I can find it. | Use RESULT as label of the last row.
        Set the answer in bold. | Make the outcome stand out with asterisks on both sides. | Your solution should be emphasised. | Two stars belong around the final value. | Heavy type is for the result alone.
        Conclude with a short check. | Verify the outcome by plugging it back in. | Test your solution against what was asked. | The last thing I want is proof that it fits. | Finally, confirm that all conditions are met.
        Recap the main idea in three bullets. | Leave me with a brief list of what mattered. | Key points come as you close. | Some takeaways should end the reply. | Give a compact summary underneath.
        Name the mistake people usually make here. | Warn about the typical slip. | Which error would a beginner commit? | Point out where others go wrong. | Mention one trap to watch for.
        Propose a follow-up question. | Suggest what to ask next. | Give one harder variant as an exercise. | Leave a similar task for practice. | What would be worth exploring afterwards?
        Say what could make the answer wrong. | List what remains uncertain. | Under which conditions would this fail? | Name the weakest part of your argument. | Which doubts are left?
        Cite the rule or theorem you relied on. | Which principle did the work? | Tell me the law behind it. | Name whatever general fact was used. | Refer to the textbook result that applies.
    """,
    # Follows "Before you answer," and the like: a verb in its base form.
    "trace": """
        write out your full chain of thought | put every idea on the page | let me read all that goes through your mind | type the complete train of thinking | set down whatever occurs to you, in sequence
        show your inner reasoning | think aloud | speak your mind as you go | use a running monologue | talk to yourself in the first person
        spell out how you get there | make the path to the outcome plain | lay open the road you take | trace the way from question to reply | tell me by which route you arrive
        list the considerations you weigh | name the arguments for and against | set pros beside cons | mention all factors that count | draw up what favours each option
        describe the approach you choose and why | explain your strategy | say which method you picked and for what reason | outline a plan of attack | sketch how you intend to proceed
        record dead ends as well as progress | keep failed attempts in the text | mention ideas that you gave up | do not hide wrong turns | tell me what did not work
        expose the whole derivation | derive it in full | give a complete proof | write the argument from start to end | develop all of the working
        explain your thinking at length | be exhaustive about the reasons | go into great detail | say more rather than less on the why | elaborate as far as you can
        put your reasoning between <think> and </think> | wrap the deliberation in think tags | keep thoughts inside a <think> block | use <think> for what precedes the reply | open a think tag and reason there
        restate the question in your own words | say what is being asked | rephrase the request | paraphrase what I want | sum up the problem as you understand it
        list what is known and what is missing | write down the given facts | collect all data that you have | separate givens from unknowns | note the information at hand
        guess the outcome and then test the guess | make an estimate to compare with later | predict roughly what will come out | state a hunch that you then examine | start from a conjecture
    """,
}

SYNONYMS: Final[dict[str, str]] = {
    "polite": """Please | Kindly | Now | Carefully | I would like you to | Your task: | For this one, | Try to | I need you to |
        Go ahead and | Your job is to | Be sure to | Take a moment to | You are asked to | Do your best to | It is up to you to |
        I want you to | Let us""",
    "think": """reason through | think about | work through | take apart | analyse | go over | reflect on | examine |
        deliberate on | solve | consider | puzzle out | look into | study | tackle | break down | figure out | weigh up""",
    "it": """the task | what I sent | this item | the question | the problem given here | this | the matter at hand | my request |
        the exercise | the case in front of you | the prompt | this one | the material here | my question | the point raised here |
        what is asked""",
    "before": """Before you answer, | To begin, | First of all, | Prior to replying, | As a start, | Ahead of the answer, |
        Initially, | Step zero: | Up front, | Right at the start, | Before anything else, | Before the reply itself, | At the outset, |
        To kick off, | As the very first thing, | Ahead of any verdict,""",
}
