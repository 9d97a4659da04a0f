"""HTTP for JSON calls and transfers alike: kept connections, strict heads, requests that can be aborted."""
