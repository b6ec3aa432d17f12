"""FreeSWITCH: the event socket, live calls on it, and the configuration rendered for it."""
