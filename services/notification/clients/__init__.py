"""Mail servers, and the folder that stands for one."""
