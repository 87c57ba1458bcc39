"""Commands of a project: from files to a trained bundle, step by step or in one."""
