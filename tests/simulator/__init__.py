"""The simulated switch. What is claimed of FreeSWITCH here runs on FreeSWITCH as well."""
