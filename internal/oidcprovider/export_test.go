package oidcprovider

// StartAlone starts a provider that no test ends.
var StartAlone = start
