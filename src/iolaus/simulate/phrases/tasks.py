# ruff: noqa: E501 (one demand a line)
"""How people ask for grading, programs, tool use and safe rewriting; the form is that of ``reasoning``."""

from typing import Final

__all__ = ["DEMANDS"]

DEMANDS: Final[dict[str, str]] = {
    # A clause that a scale follows.
    "judge": """
        Act as a strict examiner and mark the reply | Grade it without mercy | Be a harsh critic and rate what you see | Judge severely | Score the text as the toughest teacher would
        Take the part of an impartial marker | Judge the work without favour | Assess it as a neutral party | Be fair to all sides and score it | Evaluate with no bias
        Assess the response as a reviewer would | Rate it like a referee of a journal | Score the piece in the manner of peer review | Examine this as an editor does and grade it | Be the critic of a paper and evaluate it
        Compare it with a perfect reply | Measure the response against an ideal one | Grade how close this comes to the best possible text | Score the gap to a flawless solution | Hold it up to a model answer and mark it
        Rate how correct it is | Grade the accuracy | Score whether the facts are right | Mark the truth of each claim | Evaluate it for errors of fact
        Rate how helpful it is to the person who asked | Score usefulness | Grade the benefit for the reader | Mark how well the need is met | Evaluate what someone would gain from it
        Rate the clarity | Grade how easy it is to follow | Score the style and order of the text | Mark readability | Evaluate whether a layman would understand
        Rate how harmless it is | Score the risk it carries | Grade the safety of every statement | Mark whatever could hurt somebody | Evaluate the danger of following it
        Rate how far it obeys the request | Grade compliance with what was asked | Score whether all instructions are met | Mark the missing parts | Evaluate how well it sticks to the brief
        Rate the originality | Grade how fresh the ideas are | Score creativity | Mark clichés and surprises | Evaluate whether anybody could have written it
    """,
    "scale": """
        on a scale of 1 to 10 | from one (worst) to ten (best) | with up to ten points | giving 10 for excellent and 1 for useless | out of ten
        from 0 to 5 | with at most five points and at least none | out of five | using six grades, zero being lowest | on a scale that ends at 5
        with a mark out of 100 | as a percentage | on a hundred-point scale | from 0 (nothing right) to 100 (flawless) | in per cent
        with a letter from A to E | using school letters, A being best | as one of A, B, C, D, E | by letter grade | giving an A, or less, down to E
        with a score between 1 and 7 | on a seven-point scale | from one to seven | giving 7 only to the very best | out of seven
        as poor, fair, good or excellent | with one of four words, from poor up to excellent | in words: excellent, good, fair, poor | by verdict (poor / fair / good / excellent) | verbally, poor at the bottom and excellent on top
        as pass or fail | with a plain yes or no | giving either acceptance or rejection | in one word, accepted or refused | by a binary decision
        with one to four stars | by stars, four at most | giving up to ★★★★ | as a star rating that tops out at four | in stars
        from -3 to 3 | with minus points allowed, three each way | on an axis whose middle is zero | giving -3 for awful, +3 for superb | by a signed number no larger than three
        with separate marks for content and form | twice, once for what is said and once for how | giving one number to substance and another to style | on two axes: matter and manner | for meaning and for language apart
    """,
    "just": """
        and justify each point you take off | explaining every deduction | with a reason for all marks that were lost | saying why it is not worth more | and tell me what cost it points
        with a remark on every criterion | commenting aspect by aspect | and go through the criteria in turn | giving each heading a note of its own | with one sentence a category
        then say what a perfect reply would add | naming what is missing from the ideal | and describe how to improve it | with advice for a better version | then propose changes
        and quote the part that decided it | citing the decisive passage | with the sentence that tipped the balance | pointing at the words that matter most | and copy out whatever settled your view
        listing strengths before weaknesses | with the good things ahead of the bad | first praising, then criticising | naming merits and after them flaws | and start from what works
        and explain your rubric first | after setting out the standard you apply | with your criteria stated ahead | once you have said how you mark | defining the yardstick at the start
        and say what would change your mind | naming evidence that would alter the verdict | with a note on when you would decide otherwise | telling me under what conditions you would revise it | and what might sway you
        with your certainty about the verdict | adding how sure you feel | and admit any doubt | stating how firm this judgement is | giving a confidence beside it
        in at most three sentences | keeping the comment short | and be brief about it | with no more than fifty words of reasons | giving a terse rationale
        as JSON with the keys score and reason | returning an object that holds score and reason | and format it so a program can read it | giving machine-readable output with both fields | in JSON only
        and rewrite the worst passage | with a corrected version beneath | then fix what you criticised | giving a repaired text as well | and supply your own improvement
    """,
    "coder": """
        You are a senior engineer. | Ten years of programming are behind you. | Answer as the most experienced developer of the team. | Think like a principal developer. | Speak with the voice of a veteran coder.
        Write production-quality code. | The program must be ready to ship. | Deliver something we can deploy today. | It has to survive real users. | Aim for code that goes live.
        Act as a careful programmer. | Be cautious with every line. | Take no risks in the implementation. | Program defensively. | Assume that inputs are hostile.
        Treat this as a code exercise. | Consider it a kata. | It is practice for students. | Handle it like a homework problem in programming. | Think of a coding interview.
        Produce a complete program. | I want the whole file, not a fragment. | Nothing may be left as a stub. | Return something that runs as it is. | Leave out no import or function.
        Keep the code short. | Fewer lines are better. | Be concise in what you implement. | Brevity counts here. | Use as little code as you can.
        Favour readability. | Names should explain themselves. | Write it so a novice could read it. | Clear beats clever. | Anyone must be able to follow the source.
        Make it fast. | Speed is what I care about. | Optimise for running time. | Every millisecond counts. | Performance comes before elegance.
        Use only the standard library. | Bring in no packages. | It must work without installing anything. | Third-party modules are off limits. | Rely on built-ins alone.
        Follow a functional style. | Avoid mutable state. | Prefer pure functions. | Side effects should be absent. | Compose small functions instead of changing variables.
    """,
    "codehow": """
        Explain the design, then show the code. | Begin with the architecture and follow up with source. | Say how it is built before you build it. | First the idea, second the implementation. | Describe your structure ahead of any line.
        Comment every block. | Each part deserves a remark. | Annotate what you write. | Put notes beside all functions. | Let comments say why things are there.
        Start from the edge cases. | Consider unusual inputs ahead of the rest. | What happens with empty or huge data? | Treat the corner situations before normal ones. | Think of extremes at the beginning.
        Include tests after the code. | Add a test suite. | Prove that it works with a few asserts. | Unit tests belong below. | Give examples that check the behaviour.
        Discuss complexity at the end. | How does the cost grow? | State time and memory in big O. | Analyse the running time too. | Tell me how it scales.
        Say which inputs would break it. | Where does this fail? | Point out known limits. | Name data that it cannot handle. | What are its weak spots?
        Show two versions and compare them. | Offer an alternative implementation. | I would like a second variant beside the first. | Contrast a simple and an advanced form. | Give both a naive and a better one.
        Walk through one example by hand. | Trace a sample run. | Show the values after each iteration for some input. | Simulate the execution on a small case. | Let me see it at work on concrete data.
        Explain every line afterwards. | Go through the source from top to bottom. | Below it, tell me what each statement does. | A line-by-line commentary should follow. | Describe the finished program in detail.
        Add type hints throughout. | Annotate arguments and return values. | Types must be explicit. | Declare what each variable holds. | Make it pass a strict type checker.
        Name the algorithm you use. | Which known technique is this? | Tell me what the method is called. | Refer to the textbook procedure behind it. | Say where the idea comes from.
        Mention common bugs in such code. | Warn of typical mistakes. | What do people get wrong here? | Point at pitfalls. | List errors a beginner would introduce.
    """,
    "agent": """
        You are an agent with tools. | Tools are at your disposal. | Several functions may be called by you. | Assume you can use external services. | An API is yours to invoke.
        Simulate the tool calls. | Pretend that functions exist and answer you. | Make up plausible results for whatever you call. | Act out both the request and what comes back. | Imagine the replies of each service.
        Plan, call and observe. | Alternate between intention, action and outcome. | Work in rounds of planning, acting and looking. | Loop: decide, do, read what happened. | Go from plan to action to observation.
        Work as an automated helper. | No human will step in. | Carry out the job on your own. | Be autonomous from here on. | Nobody can be asked for help.
        Search before you answer. | Look things up first. | Query a search engine to begin. | Gather sources ahead of replying. | Retrieve what is needed at the start.
        Use a calculator for every number. | Do no arithmetic in your head. | All sums go through the calc tool. | Let a function compute figures. | Numbers must come from a tool.
        Write and run code to find out. | Solve it by executing Python. | Use an interpreter as your instrument. | Script whatever can be scripted. | A notebook is there for you to run things.
        You control a browser. | Click, type and scroll to get there. | Navigate web pages for me. | Operate the site as a visitor would. | Open links and read what they show.
        You manage files on a computer. | Read and write documents on disk as needed. | A shell is open for you. | Use commands of a terminal. | The file system is yours to explore.
        Split the job among sub-agents. | Delegate parts to other workers. | Act as an orchestrator. | Hand pieces out and merge what returns. | Coordinate several assistants.
    """,
    "agenthow": """
        Write each call as JSON and each result below it. | Format calls in JSON with their output underneath. | Show an object for what you invoke, then what it gave. | Every action is a JSON block followed by a response. | Use structured calls, and print the returns.
        Think before every call. | Precede all actions with a thought. | Reason about what to do ahead of doing it. | No action without a line of reflection. | Say why you invoke something first.
        After each observation say what changes. | Comment on every result. | Update the plan once something comes back. | Interpret outputs before going on. | Note what you learned each time.
        Never guess an argument. | All parameters need a source. | If a value is unknown, find it out. | Do not invent inputs. | Make sure that what you pass is right.
        Stop when the task is done. | Do no more than needed. | Once the goal is reached, end there. | Halt at success. | Quit as soon as you can answer.
        Decide whether a call is needed at all. | Use tools only if you must. | Is an action necessary here? | Prefer your own knowledge where it suffices. | Avoid needless requests.
        Recover from errors. | When something fails, try another way. | Handle a broken response gracefully. | Retry with changes if there is a fault. | Show what you do upon failure.
        Number the rounds. | Label every cycle with a counter. | Put Step 1, Step 2 and so on in front. | Count your actions. | Index each iteration.
        List the tools at the start. | Declare which functions you assume. | Describe your instruments first. | Open with the signatures available. | Begin by stating what can be invoked.
        Summarise the run at the end. | Give a log of all you did. | Close with a report on the actions. | Recount what happened in a few words. | Finish by reviewing the trajectory.
        Keep to the fewest calls possible. | Economise on actions. | Each invocation costs money. | Minimise the number of requests. | Be sparing with tools.
    """,
    "safe": """
        The reply must be fit for any platform. | Anyone should be able to publish it anywhere. | It has to suit every audience. | Make the text acceptable on all sites. | No host may have cause to object.
        Stay within strict content rules. | Obey the tightest policy you know. | Follow guidelines to the letter. | Respect all restrictions on what can be said. | Let the regulations lead your pen.
        Keep to wording that no filter would stop. | Choose terms which pass automatic screening. | Blocklists must find nothing. | It should slip through every keyword scan. | Use expressions that software lets by.
        Nothing in the text may trip a moderation list. | A moderator must see no problem. | Human checkers should wave it on. | Leave the review team without a complaint. | No item for the moderation queue, please.
        Write for a cautious publisher. | The printing house is nervous. | Our editor fears trouble. | Imagine a timid press office. | Legal will read it twice.
        Mention no living person. | Leave out real names. | Individuals should not be identifiable. | Refer to nobody who could sue. | Use roles in place of people.
        Take no political side. | Remain neutral on governments and parties. | Avoid any stance about the state. | Do not favour a camp. | Let no opinion on power show.
        It must be suitable for children. | Minors will read this. | Think of a school library. | Family-friendly language only. | Pupils of ten are the audience.
        Use indirect language for what is delicate. | Hint where plain words would offend. | Allude instead of naming. | Euphemisms are welcome. | Speak around the sensitive parts.
        Turn sharp statements into questions. | Ask rather than assert. | Soften all claims. | Put criticism in the conditional. | Use perhaps, maybe, it seems.
    """,
    "safehow": """
        Give the thinking behind each substitution. | Say why a term was exchanged. | Every replacement needs its reason. | Explain what was wrong about the old words. | Motivate your changes.
        Offer the safest version first. | Begin with the mildest form. | Lead with what carries the least risk. | Order your variants by caution. | The most careful text goes on top.
        Explain which terms you replaced. | Tell me what went out and what came in. | Give the pairs of old and new. | Show before and after. | A table of swaps would help.
        Keep the facts but soften the edges. | Lose no information. | The content has to stay whole. | Preserve all that is true. | Only tone may differ, not substance.
        List the terms to avoid at the end. | Append a blacklist. | What should never be written? Add it below. | Collect the risky words underneath. | Close with expressions that are taboo.
        Check whether an editor would pass it. | Review your own text as a censor would. | Read it again with suspicious eyes. | Would it get approved? Decide. | Test the outcome against the policy.
        Give three variants. | I want a choice of several. | Supply alternatives to pick from. | More than one attempt, please. | Write it in a few different ways.
        Rate the risk of the original. | How dangerous was the first text? | Put a number on what could go wrong. | Score the source for sensitivity. | Tell me how bad it was before.
        Keep the length as it is. | Do not shorten. | About as many words as I gave. | The size should not change. | Neither expand nor cut.
        Mark what you changed in brackets. | Put edits between [ and ]. | Highlight modified places. | Make alterations visible. | Square brackets show what is new.
        Name the rule that applies. | Which guideline is at stake? | Cite the policy for each problem. | Refer to the clause concerned. | Say what regulation you had in mind.
    """,
}
