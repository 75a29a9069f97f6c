import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { normalise } from '../engine/findings/normalise.ts';
import { sampleEvent } from '../engine/findings/samples.ts';
import { callFor } from '../functions/playbooks/call-for.ts';
import { playbookFor } from '../functions/playbooks/playbook-for.ts';
import { askedAction, recordedAction } from './desk.ts';
import { withoutRemediation } from './people.ts';
import { present } from './show.ts';
import { Terminal } from './terminal.ts';

function told(changes: Readonly<Record<string, unknown>> = {}) {
  const [finding] = normalise(sampleEvent('guardduty/root-credential-usage', changes)).findings ?? [];
  const playbook = finding && playbookFor(finding);
  if (!finding || !playbook) throw new Error('the sample leads to no playbook');
  return { finding, response: callFor(finding, playbook, new Date('2026-11-26T12:00:00Z')) };
}

test('says who responds where no remediation does', () => {
  const { finding } = told();
  expect(withoutRemediation(finding)).toBe(
    'a person is called, and responds by playbooks/root-activity.md: Root activity',
  );
  expect(withoutRemediation({ ...finding, sample: true })).toContain('nobody is called');
  expect(withoutRemediation({ ...finding, type: 'Recon:EC2/Portscan' })).toBe('nothing responds to it');
});

test('shows the playbook of a response that calls for a person, and nothing to undo', async () => {
  const stream = new PassThrough();
  const holds = {
    get: async () => undefined,
    take: async () => undefined,
    put: async () => {},
    release: async () => {},
  };
  await present({ record: { ...told(), orders: [], timeline: [] }, holds, where: 'here' }, new Terminal(stream));
  stream.end();
  const shown = await text(stream);
  expect(shown).toMatch(/refused\S* +needs a person: Root activity: playbooks\/root-activity\.md/);
  expect(shown).toMatch(/playbook\S* +playbooks\/root-activity\.md/);
  expect(shown).not.toContain('go back with');
});

test('knows a playbook where a remediation is asked for', async () => {
  await expect(askedAction('playbooks.root-activity')).rejects.toThrow('read playbooks/root-activity.md');
  await expect(recordedAction(told().response)).rejects.toThrow('it calls for a person, by playbooks/root-activity.md');
});
