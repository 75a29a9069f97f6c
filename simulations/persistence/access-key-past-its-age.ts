import { CreateAccessKeyCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import * as z from 'zod/mini';
import type { Place } from '../../engine/arn.ts';
import sample from '../../events/samples/securityhub/iam-access-key-old.json' with { type: 'json' };
import { tagList } from '../kinds/tags.ts';
import { accessKeys, USER_PATH, user } from '../kinds/user.ts';
import { defineScenario, type Things } from '../scenario.ts';

interface Made extends Things {
  readonly user: string;
}

export default defineScenario({
  id: 'persistence.access-key-past-its-age',
  title: 'An access key is kept past its age',
  story:
    'A user of IAM for a nightly job has an access key that nobody ever changed. Whoever copied it once, from a laptop or a ' +
    'repository, still has it. Security Hub finds that the key is too old, and Firebreak deactivates it.',
  attack: ['T1078.004', 'T1098.001'],
  csf: ['PR.AA-01', 'DE.CM-03', 'RS.MA-01', 'RS.MI-01'],
  safety: 'inert',
  cost: 0,
  minutes: { 'handler-replay': 15, 'bus-replay': 10 },
  objectives: { respond: 60, contain: 120 },
  kinds: [user],
  permissions: () => [],
  parameters: z.strictObject({}),
  findings: [
    {
      source: 'securityhub',
      type: 'IAM.3',
      sample,
      names: (things: Made) => ({ '/service/': USER_PATH, 'report-exporter': things.user }),
    },
  ],
  responses: [{ remediation: 'identity.deactivate-old-access-keys', outcome: 'verified', target: arnOf }],
  // A key cannot be made old: it is judged as if none might have an age.
  judgedBy: { 'identity.deactivate-old-access-keys': { maximumAgeDays: 0 } },

  async warmUp(stage): Promise<Made> {
    const iam = new IAMClient(stage.session);
    const UserName = stage.name('report-exporter');
    const Tags = tagList(stage.tags);
    await stage.make(user, `the user ${UserName}, who may do nothing`, () =>
      iam.send(new CreateUserCommand({ UserName, Path: USER_PATH, Tags })),
    );
    return { user: UserName };
  },

  /** Its secret is in the answer alone, which nobody keeps. */
  async inject(stage, { user: UserName }) {
    await stage.change(`an access key of ${UserName}`, () =>
      new IAMClient(stage.session).send(new CreateAccessKeyCommand({ UserName })),
    );
  },

  async expect(stage, { user: UserName }) {
    const statuses = Object.values(await accessKeys(new IAMClient(stage.session), UserName));
    return statuses.length === 1 && statuses[0] === 'Inactive';
  },
});

function arnOf({ user: name }: Made, { partition, account }: Place): string {
  return `arn:${partition}:iam::${account}:user${USER_PATH}${name}`;
}
