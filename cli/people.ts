import type { Finding } from '../engine/findings/finding.ts';
import { playbookFile } from '../engine/playbook.ts';
import { playbookFor } from '../functions/playbooks/playbook-for.ts';

/** What comes of a finding that no remediation answers, in words. */
export function withoutRemediation(finding: Finding): string {
  const playbook = playbookFor(finding);
  if (!playbook) return 'nothing responds to it';
  if (finding.sample) return 'a sample: it is recorded as simulated, and nobody is called';
  return `a person is called, and responds by ${playbookFile(playbook.id)}: ${playbook.title}`;
}
