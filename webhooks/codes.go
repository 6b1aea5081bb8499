package webhooks

// The codes of what is wrong with a subscription or a wish.
const (
	CodeInvalid      = "webhook_invalid"       // Fields say where
	CodeURL          = "webhook_url"           // the address is not https, or not one
	CodeEvent        = "webhook_event_unknown" // value, allowed
	CodeCollection   = "webhook_collection"    // value, allowed
	CodeTooMany      = "webhook_too_many"      // max
	CodeInactive     = "webhook_inactive"      // it is paused or was switched off
	CodeReplayBusy   = "webhook_replay_busy"   // max
	CodeReplayWhat   = "webhook_replay_what"   // say one of delivery, document and since
	CodeReplayNone   = "webhook_replay_none"   // nothing to send again
	CodeReplayOrder  = "webhook_replay_order"  // until is before since
	CodeQueueFull    = "webhook_queue_full"    // max
	CodeOverlapRange = "webhook_overlap"       // max, in hours
)

// The codes of what became of an attempt: Attempt.Error.
const (
	CodeStatus     = "webhook_status"      // the answer was not a success: status
	CodeRedirect   = "webhook_redirect"    // the answer led elsewhere, which is not followed
	CodeGone       = "webhook_gone"        // 410: the receiver wants no more
	CodeTimeout    = "webhook_timeout"     // no answer in time
	CodeName       = "webhook_name"        // the name of the server leads nowhere
	CodeTLS        = "webhook_tls"         // the certificate is not good
	CodeRefused    = "webhook_refused"     // an address that we do not send to
	CodeConnection = "webhook_connection"  // no connection, or it broke
	CodeSuperseded = "webhook_superseded"  // nothing was sent: it is not true any more
	CodeGaveUp     = "webhook_unreachable" // why a subscription was switched off
)

// Codes lists what this package puts into a content.Problem, a field's Issue and
// the log of deliveries: package messages has words for each.
var Codes = []string{
	CodeInvalid, CodeURL, CodeEvent, CodeCollection, CodeTooMany, CodeInactive, CodeReplayBusy, CodeReplayWhat, CodeReplayNone,
	CodeReplayOrder, CodeQueueFull, CodeOverlapRange,
	CodeStatus, CodeRedirect, CodeGone, CodeTimeout, CodeName, CodeTLS, CodeRefused, CodeConnection, CodeSuperseded, CodeGaveUp,
}
