import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

let tree: string;
const inTree = (file: string, ...args: string[]): string =>
  execFileSync(file, args, { cwd: tree, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const git = (...args: string[]): string =>
  inTree('git', '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args);

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'firebreak-new-'));
  for (const part of [
    'engine',
    'functions',
    'scripts',
    'local',
    'events',
    'organization',
    'runbooks',
    'simulations',
    'docs',
    'playbooks',
    'cli',
    'response-policy.yml',
    'package.json',
    'tsconfig.json',
  ]) {
    cpSync(part, join(tree, part), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(tree, 'node_modules'));
  git('init', '--quiet');
  inTree(process.execPath, 'scripts/generate.ts');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'before');
});
afterAll(() => rmSync(tree, { recursive: true, force: true }));

test('a new remediation is one file, one line and one test beside what is generated', () => {
  inTree(process.execPath, 'scripts/new.ts', 'storage.some-name');
  inTree(process.execPath, 'scripts/generate.ts');
  git('add', '--all');
  const changed = git('diff', '--cached', '--numstat')
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
  const generated = new Set([
    'events/rules.json',
    'functions/workers.json',
    'organization/member.yml',
    'docs/catalogue.md',
    'functions/runbooks/documents.json',
    'functions/runbooks/remediations.json',
    'functions/tell/titles.json',
    'runbooks/remediations/storage.some-name.yml',
  ]);
  expect(changed.filter(([, , file = '']) => !generated.has(file))).toEqual([
    ['1', '0', 'functions/storage/remediations.ts'],
    [expect.any(String), '0', 'functions/storage/some-name.test.ts'],
    [expect.any(String), '0', 'functions/storage/some-name.ts'],
  ]);
});

test('a name that is none is refused with an example', () => {
  for (const name of ['encrypt-bucket', 'storage.Encrypt', '../storage.x', '']) {
    expect(() => inTree(process.execPath, 'scripts/new.ts', name)).toThrow(/storage\.encrypt-bucket/);
  }
});
