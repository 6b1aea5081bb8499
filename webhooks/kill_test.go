package webhooks

const childOrder = "PRASSI_WEBHOOKS_CHILD"

func child(string) {}
