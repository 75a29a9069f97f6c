import { EC2Client, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import * as z from 'zod/mini';
import { countUpTo, EC2_PAGE, pageSizeFor } from '../../engine/aws/lists.ts';
import { sentOnce } from '../../engine/aws/session.ts';
import { defineRemediation } from '../../engine/define.ts';
import { isTransient } from '../../engine/errors.ts';
import { FLUSH, type OwnGroup } from '../../engine/own-groups.ts';
import { equal } from '../../engine/state.ts';
import { guardDutyActor, guardDutyOn } from '../../engine/triggers.ts';
import { BRUTE_FORCE, COMPROMISE } from './compromise.ts';
import { type Evidence, evidenceAbout, takeEvidence } from './evidence.ts';
import { describeInstance, type Instance, tagsOfInstance } from './instance.ts';
import { IsolationGroups, isolationGroups, missingGroups } from './isolation-groups.ts';
import { isolationPermissions } from './isolation-permissions.ts';
import {
  BOTH_GROUPS,
  EVIDENCE,
  foreignGroups,
  GROUPS,
  isIsolated,
  isOpen,
  isolated,
  isolationState,
  partOf,
  swaps,
} from './isolation-state.ts';
import { moveInterface } from './move-interface.ts';

interface Facts extends Instance {
  /** Of any response; the state's part has this one's. */
  readonly evidence: readonly Evidence[];
  /** Ids of our groups, where the VPC has them already. */
  readonly groups: Readonly<Partial<Record<OwnGroup, string>>>;
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
  handles: [guardDutyOn('Instance', ...COMPROMISE.flatMap(({ types }) => types)), guardDutyActor(...BRUTE_FORCE)],
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

  tags: ({ ec2 }, { id }) => tagsOfInstance(ec2, id),

  /** Of those that were not terminated: EC2 shows others for about an hour. */
  population({ ec2 }, _, enough) {
    const Filters = [
      { Name: 'instance-state-name', Values: ['pending', 'running', 'shutting-down', 'stopping', 'stopped'] },
    ];
    const pages = paginateDescribeInstances({ client: ec2 }, { Filters, MaxResults: pageSizeFor(enough, EC2_PAGE) });
    return countUpTo(enough, pages, ({ Reservations }) => Reservations?.flatMap(({ Instances = [] }) => Instances));
  },

  async read({ ec2 }, target, { response }) {
    const { instance, interfaces } = await describeInstance(ec2, target);
    const [groups, evidence] = await Promise.all([
      isolationGroups(ec2, { vpc: instance.vpc, account: target.account }),
      evidenceAbout(ec2, target.id),
    ]);
    const kept = new Set(evidence.filter((each) => each.response === response).map(({ volume }) => volume));
    // Of several the first, since the ids come in order.
    const ours = Object.fromEntries([...groups].reverse().map(([id, name]) => [name, id]));
    const facts: Facts = { ...instance, evidence, groups: ours };
    return {
      state: isolationState.parse({
        [EVIDENCE]: instance.volumes.filter((volume) => kept.has(volume)),
        [GROUPS]: Object.keys(ours).sort(),
        ...Object.fromEntries(
          interfaces.map(({ id, groups: ids }) => [partOf(id), ids.map((each) => groups.get(each) ?? each).sort()]),
        ),
      }),
      facts,
    };
  },

  /** An instance that is isolated already, with evidence of every volume, has had its response: it needs no second set. */
  desired(state, { facts: { volumes, evidence } }) {
    if (!isIsolated(state)) return isolated(state, volumes);
    const covered = volumes.every((volume) => evidence.some((each) => each.volume === volume));
    return covered ? state : { ...state, [EVIDENCE]: [...volumes] };
  },

  decline({ before, facts: { unchangeable } }, { finding: { source, score }, parameters: { minimumScore } }) {
    if (isOpen(before)) return undefined;
    if (source === 'guardduty' && score < minimumScore) {
      const reason = `its severity is ${score}, and instances are isolated from ${minimumScore}`;
      return { outcome: 'refused', reason };
    }
    // To isolate the other interfaces alone would look like isolation.
    if (unchangeable.length > 0) {
      return {
        outcome: 'refused',
        reason: `not all its interfaces can be changed from here: ${unchangeable.join('; ')}`,
      };
    }
    return undefined;
  },

  caution({ before, facts: { autoScalingGroup, forwards, bastion } }) {
    if (isOpen(before)) return undefined;
    const reasons = [];
    if (autoScalingGroup !== null) {
      reasons.push(
        'once isolated it fails the health checks of its Auto Scaling group, which terminates it: detach it or put it on standby first',
      );
    }
    if (forwards) reasons.push('it forwards the traffic of other machines, which would be cut off too');
    if (bastion) {
      reasons.push('it is tagged as a bastion: whoever reaches other machines through it would be cut off from them');
    }
    return reasons.length === 0 ? undefined : reasons.join('; ');
  },

  async write({ ec2, once }, { id, account }, next, current, { facts, response, record }) {
    if (isOpen(next)) throw new Error('it would be left open to everybody: undo the response before this one instead');
    const missing = await missingGroups(ec2, foreignGroups(next));
    if (missing.length > 0) throw new Error(`nothing was changed: ${missing.join(', ')} does not exist any more`);

    const differs = (part: string) => !equal(current[part] ?? [], next[part] ?? []);
    // What the state has and the plan had not, an earlier session of this response has made.
    const maker = equal(current[GROUPS] ?? [], BOTH_GROUPS) ? undefined : response;
    const groups = new IsolationGroups(ec2, { vpc: facts.vpc, account }, facts.groups, maker);
    const moves = swaps(current, next);
    const open = moves.filter(({ from }) => from.includes(FLUSH));

    // What cannot be done, for one interface or the evidence, must not keep the rest from being isolated.
    const failures: unknown[] = [];
    const attempt = async (work: Promise<unknown>) => work.catch((error) => failures.push(error));
    for (const move of open) await attempt(moveInterface(ec2, move, groups));
    if (differs(EVIDENCE)) {
      await attempt(takeEvidence(once, id, response).then((taken) => record('evidence', taken)));
    }
    if (differs(GROUPS)) await attempt(groups.idsOf(BOTH_GROUPS));
    for (const move of moves) if (!open.includes(move)) await attempt(moveInterface(ec2, move, groups));
    if (failures.length > 0) throw failures.find(isTransient) ?? failures[0];
  },

  transitional: (_part, value) => equal(value, [FLUSH]),
  lasting: [EVIDENCE, GROUPS],
});
