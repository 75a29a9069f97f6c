/** What leads the name of a playbook where a remediation's would stand, and the folder of both: `playbooks.root-activity`. */
export const PLAYBOOKS = 'playbooks';

/** What a response names in place of a remediation when a person responds, by a playbook. */
export const byPlaybook = (id: string): string => `${PLAYBOOKS}.${id}`;

/** The file of a playbook, from the project's folder. */
export const playbookFile = (id: string): string => `${PLAYBOOKS}/${id}.md`;

/** The id of the playbook that a response names in place of a remediation; undefined when it names a remediation. */
export const playbookOf = (remediation: string): string | undefined =>
  remediation.startsWith(`${PLAYBOOKS}.`) ? remediation.slice(PLAYBOOKS.length + 1) : undefined;
