"""Rules across items of Shaanxi (跨部门规则): a working draft (工作草案) of this system."""
