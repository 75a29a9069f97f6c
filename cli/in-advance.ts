import type { Finding } from '../engine/findings/finding.ts';
import { foreign } from '../engine/guards/authentic.ts';
import { freezeFor, windowOf } from '../engine/guards/freeze.ts';
import type { Stop } from '../engine/guards/guard.ts';
import { protectedBy } from '../engine/guards/protected.ts';
import { SIMULATED } from '../engine/guards/sample.ts';
import { selfCaused } from '../engine/guards/self-caused.ts';
import { budgetOf, caseOf, exceptionFor, modeOf, takes, type Where } from '../engine/policy.ts';
import type { Policy } from '../engine/policy-schema.ts';
import type { Action, Target } from '../engine/remediation.ts';

/** What a guard says of a finding before anything is asked of AWS. */
export interface Word {
  /** `asked`: it depends on what is only known at run time. */
  readonly verdict: 'passes' | 'stops' | 'asked';
  readonly outcome?: Stop['outcome'];
  readonly reason: string;
  /** The place in the policy that says so. */
  readonly where?: Where;
}

/** One remediation, one finding, and the resource where the finding names it. */
export interface Question {
  readonly action: Action;
  readonly finding: Finding;
  readonly policy: Policy;
  readonly at: Date;
  readonly target?: Target;
}

const passes = (reason: string, where?: Where): Word => ({ verdict: 'passes', reason, ...(where && { where }) });
const asked = (reason: string, where?: Where): Word => ({ verdict: 'asked', reason, ...(where && { where }) });
const stops = ({ outcome, reason }: Stop, where?: Where): Word => ({
  ...{ verdict: 'stops', outcome, reason },
  ...(where && { where }),
});

const on = ({ action, finding, target }: Question) => caseOf(action.id, target ?? finding, finding);

/** Every guard by its name, and what the pipeline asks before them. */
export const IN_ADVANCE: Readonly<Record<string, (question: Question) => Word>> = {
  authentic({ finding, policy, target }) {
    const { account } = finding.envelope;
    const stranger = target && foreign(target, finding);
    if (stranger) return { verdict: 'stops', reason: `it would be rejected: ${stranger}` };
    if (account === finding.account) return passes('the account itself sent it');
    return policy.administrators.includes(account)
      ? passes(`the administrator ${account} sent it`, ['administrators'])
      : asked(`whether ${account}, which sent it, is the security account`, ['administrators']);
  },

  resource({ action, finding, target }) {
    if (target) return passes('the finding names it');
    return action.targets || finding.sample
      ? passes('it is looked up at run time')
      : stops({ outcome: 'refused', reason: 'the finding names no resource that it acts on' });
  },

  sample: ({ finding }) => (finding.sample ? stops(SIMULATED) : passes('a real finding')),

  'kill-switch': () => asked('whether the parameter /firebreak/kill-switch is off'),

  'self-caused'({ action, finding, target }) {
    const stop = target && selfCaused.onFinding({ action, finding, target });
    return stop ? stops(stop) : passes('not a change by this worker');
  },

  exception({ action, policy, target, at }) {
    if (!target) {
      const any = policy.exceptions.some(({ remediation }) => takes(remediation, action.id));
      return any ? asked('whether an exception names the resource', ['exceptions']) : passes('none is about it');
    }
    const found = exceptionFor(policy, action.id, target, at);
    if (!found) return passes('none names the resource');
    const reason = `until ${found.expires} by ${found.owner}: ${found.reason}`;
    return stops({ outcome: 'excepted', reason }, ['exceptions', policy.exceptions.indexOf(found)]);
  },

  hold: () => asked('whether an undo holds the resource'),

  freeze(question) {
    const { policy, at } = question;
    const found = freezeFor(policy, on(question), at);
    if (!found) return passes('no window holds then');
    const reason = `${found.name} ${windowOf(found)} by ${found.owner}: ${found.reason}`;
    return stops({ outcome: 'deferred', reason }, ['freezes', policy.freezes.indexOf(found)]);
  },

  protected({ action, policy, target, finding }) {
    const named = target && protectedBy({ policy, target, finding, home: { account: '', region: '' } });
    if (named) return stops({ outcome: 'refused', reason: named.because }, named.where);
    if (!target) {
      return finding.account === policy.organization.management
        ? stops({ outcome: 'refused', reason: 'it is in the management account' }, ['organization', 'management'])
        : asked('whether the resource is protected', ['protected']);
    }
    if (protectedBy({ policy, target, finding, home: target })) return asked('whether Firebreak runs on it');
    return action.reach
      ? asked(`whether a change reaches more than ${policy.protected.sharedBy} things`, ['protected', 'sharedBy'])
      : passes('it is not protected');
  },

  mode(question) {
    const { mode, because, where, unless } = modeOf(question.policy, question.action, on(question));
    if (mode === 'observe') return stops({ outcome: 'observed', reason: `dry run, because ${because}` }, where);
    if (mode === 'approval') {
      return stops({ outcome: 'awaiting-approval', reason: `needs approval, because ${because}` }, where);
    }
    const [tag] = unless ?? [];
    if (!tag) return passes(`automatic, because ${because}`, where);
    return question.action.tags
      ? asked(`whether its tags ask for approval: ${tag.because}`, tag.where)
      : stops({ outcome: 'awaiting-approval', reason: `${tag.because}, and no tags are read` }, tag.where);
  },

  caution: ({ action }) =>
    action.caution ? asked('whether the plan is one that a person should see first') : passes('it knows none'),

  'cool-down': ({ policy: { coolDown } }) =>
    asked(`whether it was fixed ${coolDown.fixes} times within ${coolDown.hours} hours`, ['coolDown']),

  budget({ action: { id }, policy }) {
    const own = policy.remediations[id]?.budget;
    const { perHour, share, shareFrom } = budgetOf(policy, id);
    const limits = `${perHour} an hour, and ${share * 100} % of all from ${shareFrom} on`;
    return asked(
      `whether its changes in the account are within ${limits}`,
      own ? ['remediations', id, 'budget'] : ['budget'],
    );
  },
};
