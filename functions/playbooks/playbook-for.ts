import type { Finding } from '../../engine/findings/finding.ts';
import known from './playbooks.json' with { type: 'json' };

/** A page for people. */
export interface Playbook {
  readonly id: string;
  readonly title: string;
}

interface Entry {
  readonly title: string;
  readonly findings: Readonly<Record<string, readonly string[]>>;
}

/** The playbook by which a person responds to findings of a type that no remediation answers. */
export function playbookFor({ source, type }: Pick<Finding, 'source' | 'type'>): Playbook | undefined {
  for (const [id, { title, findings }] of Object.entries(known as Readonly<Record<string, Entry>>)) {
    if (findings[source]?.includes(type)) return { id, title };
  }
  return undefined;
}
