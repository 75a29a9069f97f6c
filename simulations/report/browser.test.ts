import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ATTACKS } from '../../engine/notify/attacks.ts';
import { BROWSER, Browser, findBrowser } from '../../scripts/browser.ts';
import { earlierSpecimens, exerciseOf, type Otherwise, specimen } from '../specimens.ts';
import { htmlReport } from './html.ts';

const file = findBrowser();
const skipped = `skipped, for there is no Chromium on the PATH: apt-get install chromium, or name one in ${BROWSER}`;
if (file === undefined) console.warn(`simulations/report/browser.test.ts: ${skipped}`);
const about = file === undefined ? `the page in a browser (${skipped})` : 'the page in a browser';

const LONG: Otherwise = {
  run: { id: 'b2b3c4d5e6', status: 'cleanup-failed', left: [`arn:aws:ec2:${'i-0123456789abcdef'.repeat(20)}`] },
  moments: { cleaned: 290_000, acknowledged: 61_000, contained: 22_000 },
  responses: [
    { id: 'x'.repeat(200), outcome: 'failed', target: `arn:aws:s3:::${'bucket'.repeat(30)}`, digest: 'f'.repeat(64) },
    ...Object.values(ATTACKS).map((text) => ({ remediation: text, target: text, reason: text, id: text })),
  ],
};

const pages: Readonly<Record<string, string>> = {
  'one run with a year before it': htmlReport(exerciseOf([specimen()], earlierSpecimens(9_400, 7_000, 7_300, 4_100))),
  'several runs, long names and attacks': htmlReport(
    exerciseOf([
      specimen(LONG),
      specimen({ run: { id: 'c2b3c4d5e6', fidelity: 'live', exercise: 'a'.repeat(40) }, asExpected: false }),
      specimen({ run: { id: 'd2b3c4d5e6', fidelity: 'tabletop' }, moments: {}, responses: [], asExpected: undefined }),
    ]),
  ),
};

(file === undefined ? describe.skip : describe)(about, () => {
  let folder: string;
  let browser: Browser;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'firebreak-report-'));
    browser = new Browser(file ?? '');
  });
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const shown = (page: string, width: number, scheme: 'light' | 'dark' = 'light') => {
    const saved = path.join(folder, 'page.html');
    writeFileSync(saved, page);
    return browser.show(pathToFileURL(saved).href, { width, scheme });
  };

  describe.each(Object.keys(pages))('%s', (name) => {
    test.each([
      [320, 'light'],
      [360, 'light'],
      [360, 'dark'],
      [768, 'light'],
      [1_280, 'light'],
      [1_280, 'dark'],
    ] as const)('asks for nothing, and fits %i pixels, %s', async (width, scheme) => {
      const { requests, overflow, spilling } = await shown(pages[name] ?? '', width, scheme);
      expect({ requests, overflow, spilling }).toEqual({ requests: [], overflow: 0, spilling: [] });
    });
  });

  test('what would ask, and what would not fit, is seen', async () => {
    const head = '<!doctype html><meta name="viewport" content="width=device-width">';
    const bad = await shown(
      `${head}<img src="http://127.0.0.1:9/x.png"><p style="width:500px">wide</p><p>thin</p>`,
      360,
    );
    expect(bad.requests).toEqual(['http://127.0.0.1:9/x.png']);
    expect(bad.overflow).toBeGreaterThan(100);
  });
});
