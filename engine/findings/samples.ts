import { readdirSync, readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import type { Finding } from './finding.ts';
import { normalise } from './normalise.ts';

const SAMPLES = new URL('../../events/samples/', import.meta.url);

/** The sample events, as `source/name`, in order. For tests. */
export const sampleNames: readonly string[] = readdirSync(SAMPLES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => readdirSync(new URL(name, SAMPLES)).map((file) => `${name}/${file.replace('.json', '')}`))
  .sort();

/** What to put at which path, written as a JSON pointer (`detail/findings/0/Id`, `~1` for a slash); `undefined` deletes. */
export type Changes = Readonly<Record<string, unknown>>;
type Json = Record<string, unknown>;

/** A sample event, changed. */
export function sampleEvent(name: string, changes: Changes = {}): Json {
  const sample: Json = JSON.parse(readFileSync(new URL(`${name}.json`, SAMPLES), 'utf8'));
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('/').map((key) => key.replaceAll('~1', '/'));
    const last = keys.pop() ?? '';
    const parent = keys.reduce((node, key) => node[key] as Json, sample);
    if (value === undefined) delete parent[last];
    else parent[last] = value;
  }
  return sample;
}

/** The one finding of a sample event, changed. */
export function sampleFinding(name: string, changes?: Changes): Finding {
  const { findings, rejection } = normalise(sampleEvent(name, changes));
  expect(rejection).toBeUndefined();
  expect(findings).toHaveLength(1);
  return (findings as readonly [Finding])[0];
}

/** The resources of a finding as `type id`. */
export const resourceNames = ({ resources }: Finding): readonly string[] =>
  resources.map(({ type, id }) => `${type} ${id}`);
