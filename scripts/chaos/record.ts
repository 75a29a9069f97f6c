import { readFileSync, writeFileSync } from 'node:fs';
import { pageOf } from './page.ts';
import type { Numbered } from './results.ts';
import type { Walk } from './walk.ts';

/** A walk, and how it was made. */
export interface Recorded extends Walk {
  /** `2026-11-26` */
  readonly date: string;
  /** Of Node. */
  readonly version: string;
  /** Whether every fault and every kill point was tried. */
  readonly whole: boolean;
}

/** The numbered tests, as they went last. */
export interface RecordedTests {
  readonly date: string;
  readonly long: boolean;
  readonly tests: readonly Numbered[];
}

/** What docs/reliability.md is made from: a walk of each specimen, each as it went last. */
export interface Reliability {
  readonly walks: readonly Recorded[];
  readonly numbered?: RecordedTests;
}

const RECORD = new URL('../../docs/reliability.json', import.meta.url);
const PAGE = new URL('../../docs/reliability.md', import.meta.url);

/** Puts walks, or the numbered tests, in the place of those before, and writes the page anew: whatever ended is kept. */
export function keep(known: readonly string[], { walks, numbered }: Partial<Reliability>): void {
  const before = JSON.parse(readFileSync(RECORD, 'utf8')) as Reliability;
  const newer = walks ?? [];
  const isNewer = ({ remediation, specimen }: Walk): boolean =>
    newer.some((each) => each.remediation === remediation && each.specimen === specimen);
  const kept = [...before.walks.filter((walk) => !isNewer(walk)), ...newer]
    .filter(({ remediation }) => known.includes(remediation))
    .sort((a, b) => known.indexOf(a.remediation) - known.indexOf(b.remediation) || a.specimen - b.specimen);
  const tests = numbered ?? before.numbered;
  const now: Reliability = { walks: kept, ...(tests && { numbered: tests }) };
  writeFileSync(RECORD, `${JSON.stringify(now, null, 2)}\n`);
  writeFileSync(PAGE, `${pageOf(now)}\n`);
}
