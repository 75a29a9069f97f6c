import { EC2Client, ModifyNetworkInterfaceAttributeCommand } from '@aws-sdk/client-ec2';
import * as z from 'zod/mini';
import { sentOnce } from '../../engine/aws/session.ts';
import { defineRemediation } from '../../engine/define.ts';
import { isTransient } from '../../engine/errors.ts';
import { equal } from '../../engine/state.ts';
import { guardDutyActor, guardDutyOn } from '../../engine/triggers.ts';
import { BRUTE_FORCE, COMPROMISE } from './compromise.ts';
import { type Evidence, evidenceAbout, takeEvidence } from './evidence.ts';
import { describeInstance, type Instance } from './instance.ts';
import { FLUSH, type IsolationGroup, isolationGroups, makeGroup, missingGroups, QUARANTINE } from './isolation-groups.ts';
import { isolationPermissions } from './isolation-permissions.ts';
import {
  EVIDENCE,
  foreignGroups,
  type IsolationState,
  inQuarantine,
  isIsolated,
  isOpen,
  isolated,
  isolationState,
  partOf,
  type Swap,
  swaps,
} from './isolation-state.ts';

interface Facts extends Instance {
  /** Of any response; the state's part has this one's. */
  readonly evidence: readonly Evidence[];
  /** Our groups in the VPC, where they are there already. */
  readonly groups: Readonly<Partial<Record<IsolationGroup, string>>>;
}

/**
 * Cuts an instance off from the network after keeping its disks: snapshots of all volumes, then for each interface the flush
 * group, so that open connections end too, and directly after it the quarantine group. A run that was interrupted in between
 * is gone on with from the flush group.
 *
 * Security groups do not reach everything: names can still be asked of the VPC's resolver (so data can still leave by DNS),
 * the instance metadata service still answers, and connections through a NAT gateway, a network load balancer or a VPC
 * endpoint end only in their own time. Credentials of its role that were taken away keep working.
 * https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
 */
export default defineRemediation({
  id: 'instances.isolate-instance',
  title: 'Isolate a compromised EC2 instance',
  risk: 'disruptive',
  handles: [
    guardDutyOn('Instance', ...COMPROMISE.flatMap(({ types }) => types)),
    guardDutyActor(...BRUTE_FORCE),
  ],
  resource: ['AWS::EC2::Instance'],
  parameters: z.strictObject({
    /** On GuardDuty's scale of 1 to 10: findings below it are refused. */
    minimumScore: z._default(z.number().check(z.gte(1), z.lte(10)), 7),
  }),
  state: isolationState,
  permissions: {
    read: [
      'ec2:DescribeInstances',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSecurityGroups',
      'ec2:DescribeSnapshots',
    ],
    write: isolationPermissions,
  },
  gone: ['InvalidInstanceID.NotFound', 'InstanceGone'],
  clients: (session) => ({ ec2: new EC2Client(session), once: new EC2Client(sentOnce(session)) }),

  async read({ ec2 }, target, { response }) {
    const { instance, interfaces } = await describeInstance(ec2, target);
    const [groups, evidence] = await Promise.all([
      isolationGroups(ec2, { vpc: instance.vpc, account: target.account }),
      evidenceAbout(ec2, target.id),
    ]);
    const kept = new Set(evidence.filter((each) => each.response === response).map(({ volume }) => volume));
    const facts: Facts = { ...instance, evidence, groups: Object.fromEntries([...groups].reverse().map(([id, name]) => [name, id])) };
    return {
      state: isolationState.parse({
        [EVIDENCE]: instance.volumes.filter((volume) => kept.has(volume)),
        ...Object.fromEntries(
          interfaces.map(({ id, groups: ids }) => [partOf(id), ids.map((each) => groups.get(each) ?? each).sort()]),
        ),
      }),
      facts,
    };
  },

  /** An instance that is isolated already, with evidence of every volume, has had its response: it needs no second set. */
  desired(state, { facts: { volumes, evidence } }) {
    const covered = volumes.every((volume) => evidence.some((each) => each.volume === volume));
    return isolated(state, isIsolated(state) && covered ? (state[EVIDENCE] ?? []) : volumes);
  },

  decline({ before, facts: { unchangeable } }, { finding: { source, score }, parameters: { minimumScore } }) {
    if (isOpen(before)) return undefined;
    if (source === 'guardduty' && score < minimumScore) {
      return { outcome: 'refused', reason: `its severity is ${score}, and instances are isolated from ${minimumScore}` };
    }
    // To isolate the other interfaces alone would look like isolation.
    return unchangeable.length === 0 ? undefined : { outcome: 'refused', reason: `a person has to: ${unchangeable.join('; ')}` };
  },

  caution({ before, facts: { autoScalingGroup, forwards } }) {
    if (isOpen(before)) return undefined;
    const reasons = [
      ...(autoScalingGroup === null ? [] : ['its Auto Scaling group replaces it, and with it its memory, once it fails the health checks: put it on standby or detach it first']),
      ...(forwards ? ['it forwards traffic of other machines, which would be cut off too'] : []),
    ];
    return reasons.length === 0 ? undefined : reasons.join('; ');
  },

  async write({ ec2, once }, { id, account }, next, current, { facts, response, record }) {
    const swapped = swaps(current, next);
    if (isOpen(next)) throw new Error('it would be left open to everybody: undo the response that first changed it instead');
    const missing = await missingGroups(ec2, foreignGroups(next));
    if (missing.length > 0) throw new Error(`nothing was changed, since these groups no longer exist: ${missing.join(', ')}`);

    let refusal: unknown;
    if (!equal(current[EVIDENCE] ?? [], next[EVIDENCE] ?? [])) {
      try {
        await record('evidence', await takeEvidence(once, id, response));
      } catch (error) {
      }
    }
  },
});
