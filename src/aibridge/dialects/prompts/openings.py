"""How agents' system prompts begin for requests of their own, and other signs of what one is for.

All of it is from recorded traffic, or from what the agents' own packages hold.
"""

from aibridge.dialects.facts import PromptKind

OPENINGS: dict[str, PromptKind] = {
    "You are a title generator. You output ONLY a thread title.": PromptKind.SIDE_CALL,
    "You run a web search for another Claude model": PromptKind.SIDE_CALL,
    "You are an assistant for performing a web search tool use": PromptKind.SIDE_CALL,
    "You are naming a coding session": PromptKind.SIDE_CALL,
    "Analyze if this message indicates a new conversation topic": PromptKind.SIDE_CALL,
    "Generate a concise, sentence-case title": PromptKind.SIDE_CALL,
    "Summarize this coding conversation in under 50 characters": PromptKind.SIDE_CALL,
    "You are coming up with a succinct title": PromptKind.SIDE_CALL,
    "You are a classifier. Answer with exactly one of these labels": PromptKind.SIDE_CALL,
    "You are evaluating a hook in Claude Code.": PromptKind.SIDE_CALL,
    "You are evaluating a stop-condition hook in Claude Code.": PromptKind.SIDE_CALL,
    "You are an expert reviewer of auto mode classifier rules": PromptKind.SIDE_CALL,
    "You are a security monitor for autonomous AI coding agents.": PromptKind.SIDE_CALL,
    "You are a date/time parser that converts natural language": PromptKind.SIDE_CALL,
    "You are an elite AI agent architect specializing in crafting": PromptKind.SIDE_CALL,
    "Your task is to process Bash commands that an AI coding agent": PromptKind.SIDE_CALL,
    "You are judging one planned coding-agent action.": PromptKind.SIDE_CALL,
    "You are a Memory Writing Agent.": PromptKind.SIDE_CALL,
    "you will generate a short title based on the first message": PromptKind.SIDE_CALL,
    "You are an expert in crafting pithy titles for chatbot": PromptKind.SIDE_CALL,
    "You are a specialized Task Routing AI.": PromptKind.SIDE_CALL,
    "You are a sophisticated AI diagnostic agent specializing in": PromptKind.SIDE_CALL,
    "You are an expert software engineer that generates concise, ": PromptKind.SIDE_CALL,
    "You are a helpful AI assistant tasked with summarizing": PromptKind.COMPACTION,
    "You are a context summarization agent. You are given a conv": PromptKind.COMPACTION,
    "You are an anchored context summarization assistant": PromptKind.COMPACTION,
    "You are the component that summarizes": PromptKind.COMPACTION,
    "You are a specialized system component responsible for distilling": PromptKind.COMPACTION,
    "You are maintaining a context-aware state summary": PromptKind.COMPACTION,
    "*Briefly* summarize this partial conversation": PromptKind.COMPACTION,
    "You are now acting as the managed memory extraction subagent": PromptKind.SIDE_CALL,
    "You are a general-purpose subagent working for a parent agent": PromptKind.SUBAGENT,
    "You are a subagent spawned by a workflow orchestration script": PromptKind.SUBAGENT,
    "You are an agent for Claude Code, Anthropic's official CLI": PromptKind.SUBAGENT,
    "You are a software architect and planning specialist for Cl": PromptKind.SUBAGENT,
    "You are a web-reading specialist for Claude Code": PromptKind.SUBAGENT,
    "You are a status line setup agent for": PromptKind.SUBAGENT,
    "You are the Claude guide agent.": PromptKind.SUBAGENT,
    "You are a file search specialist": PromptKind.SUBAGENT,
    "You are a web search agent. Run web searches": PromptKind.SIDE_CALL,
    "As a sub-agent, complete your parent's task yourself": PromptKind.SUBAGENT,
}
"""How system prompts begin that agents send with calls of their own, and what for."""

SUBAGENT_SIGN = b"cc_is_subagent=true"
"""What stands in the first text of Claude Code's system prompt for a sub-agent."""

PROBES = frozenset({"quota", "count", "test", "ping", "hi", "hello", "."})
"""What vendors' clients send with a limit of one token, to see whether a key works."""
