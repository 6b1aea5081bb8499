package main

// siteFlags make a site of one language.
var siteFlags = []string{"--languages", siteLanguage}
