/** Destinations with what waits, and when that is due. */
export const dueSql = `SELECT id, max(next_at, due) AS due FROM (SELECT webhook.id, webhook.next_at, (SELECT min(next_at)
FROM webhook_delivery WHERE webhook_id = webhook.id AND state = 'waiting') AS due FROM webhook WHERE disabled = 0)
WHERE due IS NOT NULL ORDER BY 2`;
/** Takes a destination, where nobody has it and it is not left alone. */
export const claimDestination = `UPDATE webhook SET next_at = ?1 WHERE id = ?2 AND disabled = 0 AND next_at <= ?3
RETURNING id, account_id, url, envelope, failures`;
/** Gives up what waited too long. */
export const expire = `UPDATE webhook_delivery SET state = 'failed' WHERE id IN (SELECT id FROM webhook_delivery
WHERE webhook_id = ?1 AND state = 'waiting' AND next_at <= ?2 AND created_at < ?3 LIMIT 500)`;
/** Takes what is due there. */
export const claimDeliveries = `UPDATE webhook_delivery SET next_at = ?1 WHERE id IN (SELECT id FROM webhook_delivery
WHERE webhook_id = ?2 AND state = 'waiting' AND next_at <= ?3 ORDER BY next_at LIMIT ?4) RETURNING *`;
/** What came of a delivery. */
export const endDelivery = `UPDATE webhook_delivery SET state = ?2, attempts = ?3, next_at = ?4, tries = ?5, delivered_at = ?6
WHERE id = ?1`;
/** It was not tried. */
export const giveBack = "UPDATE webhook_delivery SET next_at = ?2 WHERE id = ?1 AND next_at = ?3";
/** Lets a destination go, except where somebody changed the webhook meanwhile: its queue begins anew. */
export const endDestination =
  "UPDATE webhook SET next_at = ?2, failures = ?3 WHERE id = ?1 AND next_at = ?4";
