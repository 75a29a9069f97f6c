import type { Finding } from '../../engine/findings/finding.ts';
import { SIMULATED } from '../../engine/guards/sample.ts';
import { byPlaybook, playbookFile } from '../../engine/playbook.ts';
import { ended, type Response, told } from '../../engine/response.ts';
import { responseId, subjectOf } from '../../engine/targets.ts';
import type { Playbook } from './playbook-for.ts';

/**
 * A response that ends as it begins: a person is called for. GuardDuty tells the same finding again for as long as it goes on, so
 * that one is the same response for a day, as EventBridge dates it.
 */
export function callFor(finding: Finding, { id, title }: Playbook, now: Date): Response {
  const { envelope, sample } = finding;
  const remediation = byPlaybook(id);
  const target = subjectOf(finding);
  const once = JSON.stringify([envelope.time.slice(0, 10), finding.source, finding.id]);
  const begun: Response = {
    id: responseId(remediation, target, once),
    remediation,
    target,
    correlation: envelope.id,
    finding: told(finding),
    startedAt: now.toISOString(),
  };
  const reason = `needs a person: ${title}: ${playbookFile(id)}`;
  return ended(begun, sample ? SIMULATED : { outcome: 'refused', reason }, now);
}
