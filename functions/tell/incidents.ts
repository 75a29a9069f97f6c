import { arnOf } from '../../engine/arn.ts';
import { atLeast } from '../../engine/findings/severity.ts';
import type { Incident } from '../../engine/incidents/incident.ts';
import { RECORDED } from '../../engine/incidents/outcomes.ts';
import type { Incidents } from '../../engine/incidents/record.ts';
import type { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import type { Policy } from '../../engine/policy-schema.ts';
import { principalOf, subjects } from '../../engine/principals.ts';
import { runOf } from '../../engine/rehearsal.ts';
import type { Ended } from './news.ts';

/** Of a playbook's front matter: which findings it is for, by source. */
export interface PlaybookFor {
  readonly title: string;
  readonly findings: Readonly<Record<string, readonly string[]>>;
}

/** What it takes to record incidents. */
export interface Recorder {
  readonly incidents: Incidents;
  readonly ledger: Pick<DynamoDbLedger, 'finding'>;
  readonly policy: Pick<Policy, 'incidents'>;
  readonly playbooks: Readonly<Record<string, PlaybookFor>>;
  /** Accounts in which things may be broken on purpose. */
  readonly sandboxes: readonly string[];
  readonly titleOf: (remediation: string) => string;
}

/** Records a response that ended. @returns the incident that it is told in; undefined: in none */
export async function recordIncident(response: Ended, recorder: Recorder): Promise<Incident | undefined> {
  const { incidents, ledger, policy, sandboxes, titleOf } = recorder;
  const { outcome, finding, target, remediation, id } = response;
  const { does } = RECORDED[outcome];
  if (does === 'nothing') return undefined;
  const told = await ledger.finding(id);
  const simulation = runOf(target, told?.principal, sandboxes);
  const resource = arnOf(target.type, target, target.id) ?? target.arn;
  const people = told ? [...subjects(told, target)].filter(([who]) => who !== principalOf(resource)) : [];
  return incidents.tell(
    {
      response,
      title: titleOf(remediation),
      subjects: [resource, ...people.map(([, arn]) => arn)],
      playbooks: playbooksFor(response, recorder.playbooks),
      ...(simulation !== undefined && { simulation }),
    },
    does === 'opens' || (does === 'opens from' && atLeast(finding.severity, policy.incidents.verifiedFrom)),
    policy.incidents,
  );
}

/** Those that name the finding; a response that stands for a playbook (`playbooks.<id>`) names its own. */
function playbooksFor({ remediation, finding }: Ended, all: Recorder['playbooks']): readonly string[] {
  const ids = Object.keys(all);
  return ids.filter(
    (id) => remediation === `playbooks.${id}` || all[id]?.findings[finding.source]?.includes(finding.type),
  );
}
