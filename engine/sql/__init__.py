"""One SQL database and the topics that are followed into it: what the archive and `vigil notify` stand on."""
