package api

import (
	"net/http"

	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/webhooks"
)

const (
	tagWebhooks  = "webhooks"
	webhooksPath = manage + "/webhooks"
)

// webhooksTable lists what is done with webhooks. Without Hooks nothing of it
// exists.
func (s *Server) webhooksTable() []*operation {
	if s.webhooks == nil {
		return nil
	}
	const one = webhooksPath + "/{id}"
	id := pathParam("id", "The webhook.", text(16))
	ok := func(body any) []answer { return []answer{{Status: http.StatusOK, Body: body}} }
	var outcomes []string
	for _, o := range webhooks.Outcomes {
		outcomes = append(outcomes, string(o))
	}
	list := []param{limitParam(), cursorParam(text(16))}
	log := []param{id,
		queryParam("outcome", "Only those that ended so, or wait for their next attempt.", oneOf(outcomes...)),
		queryParam("document", "Only what was told of this document.", format("uuid")),
		limitParam(), cursorParam(text(80)),
	}
	conflict := []int{http.StatusConflict}
	out := []*operation{
		{Method: http.MethodGet, Route: webhooksPath, ID: "listWebhooks", Summary: "Other systems that are told of what changes", Params: list,
			Answers: ok(Page[Webhook]{}), Call: s.listWebhooks(list), Needs: access.WebhookManage},
		{Method: http.MethodPost, Route: webhooksPath, ID: "createWebhook", Summary: "Tell another system of what changes from now on",
			Description: "Requests follow [Standard Webhooks](https://www.standardwebhooks.com). The secret is shown this once.",
			Body:        NewWebhook{}, Answers: []answer{{Status: http.StatusCreated, Body: CreatedWebhook{}, Headers: []string{"Location"}}}, Problems: conflict,
			Call: s.createWebhook, Needs: access.WebhookManage},
		{Method: http.MethodGet, Route: one, ID: "getWebhook", Summary: "One webhook, and how its receiver does", Params: []param{id},
			Answers: ok(Webhook{}), Call: s.getWebhook, Needs: access.WebhookManage},
		{Method: http.MethodPatch, Route: one, ID: "changeWebhook", Summary: "Change a webhook, pause it, or switch it on again",
			Description: "What is left out stays; a list that is there replaces the whole list. One that is switched on again goes on where it stood.",
			Params:      []param{id}, Body: WebhookChange{}, Answers: ok(Webhook{}), Call: s.changeWebhook, Needs: access.WebhookManage},
		{Method: http.MethodDelete, Route: one, ID: "endWebhook", Summary: "End a webhook", Params: []param{id},
			Answers: []answer{{Status: http.StatusNoContent}}, Call: s.endWebhook, Needs: access.WebhookManage},
		{Method: http.MethodPost, Route: one + "/secret", ID: "rotateWebhookSecret", Summary: "Make a new secret",
			Description: "It is shown this once. Requests are signed with the new and the old one until the old one ends.",
			Params:      []param{id}, Body: NewWebhookSecret{}, Answers: ok(CreatedWebhook{}), Call: s.rotateWebhook, Needs: access.WebhookManage},
		{Method: http.MethodGet, Route: one + "/deliveries", ID: "listWebhookDeliveries", Summary: "What was sent or tried, the newest first", Params: log,
			Answers: ok(Page[WebhookDelivery]{}), Call: s.listDeliveries(log), Needs: access.WebhookManage},
		{Method: http.MethodPost, Route: one + "/replay", ID: "replayWebhook", Summary: "Send again: one message, all of a document, or all since a time",
			Description: "Each message keeps its id. What is not true any more is passed over: the publication of what was withdrawn, the withdrawal of what came back.",
			Params:      []param{id}, Body: WebhookReplay{}, Answers: []answer{{Status: http.StatusAccepted, Body: WebhookReplayed{}}}, Problems: conflict,
			Call: s.replayWebhook, Needs: access.WebhookManage},
		{Method: http.MethodPost, Route: one + "/ping", ID: "pingWebhook", Summary: "Send a test, once",
			Description: "The log of deliveries tells what came of it.",
			Params:      []param{id}, Answers: []answer{{Status: http.StatusAccepted, Body: WebhookDelivery{}}}, Problems: conflict, Call: s.pingWebhook, Needs: access.WebhookManage},
	}
	for _, op := range out {
		op.Tag = tagWebhooks
	}
	return out
}
