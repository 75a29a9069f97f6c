import * as z from 'zod/mini';
import { sessionConfig } from '../../engine/aws/session.ts';
import { deployedPolicy } from '../../engine/deployed-policy.ts';
import { createDoor, route, words } from '../../engine/door.ts';
import { environment } from '../../engine/environment.ts';
import { SEVERITIES } from '../../engine/findings/finding.ts';
import { accountId, region, shape } from '../../engine/findings/reader.ts';
import { LONGEST_NOTE, LONGEST_OWNER, LONGEST_TITLE, MOST_NAMED } from '../../engine/incidents/incident.ts';
import { Incidents } from '../../engine/incidents/record.ts';
import { anArn, open, say } from './say.ts';

const account = environment('ACCOUNT_ID');
const incidents = new Incidents(sessionConfig(account, environment('AWS_REGION')), environment('INCIDENTS_TABLE'));
const { incidents: joining } = deployedPolicy();

const severity = () => z.enum(SEVERITIES);
const opening = shape(() =>
  z.strictObject({
    title: words(LONGEST_TITLE),
    severity: severity(),
    account: accountId,
    region,
    subjects: z.array(anArn()).check(z.maxLength(MOST_NAMED, `has more than ${MOST_NAMED}`)),
    playbooks: z
      .array(z.string().check(z.regex(/^[a-z][a-z0-9-]{0,60}$/, 'is not the id of a playbook')))
      .check(z.maxLength(MOST_NAMED, `has more than ${MOST_NAMED}`)),
  }),
);
const note = shape(() => z.strictObject({ note: words(LONGEST_NOTE) }));
const state = shape(() =>
  z.strictObject({ state: z.enum(['contained', 'resolved', 'false-positive']), reason: z.optional(words()) }).check(
    z.refine(({ state, reason }) => state !== 'false-positive' || reason !== undefined, {
      path: ['reason'],
      error: 'is missing: say why it is none',
    }),
  ),
);
const owner = shape(() => z.strictObject({ owner: words(LONGEST_OWNER) }));
const severe = shape(() => z.strictObject({ severity: severity(), reason: z.optional(words()) }));

/** Where people open incidents, and say what they know and do about them. */
export const handler = createDoor('incidents', account, {
  'POST /incidents': route(opening, (asked) => open(asked, incidents, joining)),
  'POST /incidents/{id}/notes': route(note, (asked) =>
    say(asked, { what: 'note', detail: asked.body.note }, incidents),
  ),
  'POST /incidents/{id}/state': route(state, (asked) => say(asked, { what: 'state', ...asked.body }, incidents)),
  'POST /incidents/{id}/owner': route(owner, (asked) => say(asked, { what: 'owner', ...asked.body }, incidents)),
  'POST /incidents/{id}/severity': route(severe, (asked) => say(asked, { what: 'severity', ...asked.body }, incidents)),
});
