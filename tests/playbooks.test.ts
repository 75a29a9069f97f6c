import { spawnSync } from 'node:child_process';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { analyst } from '../local/analyst.ts';
import { type Cloud, startCloud } from '../local/cloud.ts';
import { ADMINISTRATOR_ROLE, ROOT, SECURITY_ACCOUNT } from '../local/connection.ts';
import { Workstation } from '../local/workstation.ts';
import { loadPlaybooks, type Playbook } from '../scripts/playbooks.ts';
import { SCENES } from './playbooks/scenes.ts';
import { Stage } from './playbooks/stage.ts';

/** Milliseconds for all commands of a page: each is a process, and most are the AWS CLI. */
const PATIENCE_MS = 600_000;
const APPROVER = 'incident-approver';
const EVERYTHING = { Effect: 'Allow', Action: '*', Resource: '*' } as const;

/** What pages type beside the AWS CLI, which the project brings. */
const missing = ['bash', 'jq'].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
const skipped = `skipped, for there is no ${missing.join(', no ')} on the PATH`;
if (missing.length > 0) console.warn(`tests/playbooks.test.ts: ${skipped}`);
const about = 'what a page says can be typed as it stands';

let cloud: Cloud;
let stage: Stage;
let workstation: Workstation;
beforeAll(async () => {
  cloud = await startCloud({ runbooks: true, registers: ['opscenter', 'incident-manager'], complain: () => undefined });
  const account = await cloud.connection.account(Stage.ACCOUNT, Stage.REGION);
  const iam = new IAMClient(account.client);
  const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  const trust = { Effect: 'Allow', Principal: { AWS: SECURITY_ACCOUNT }, Action: 'sts:AssumeRole' };
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName: APPROVER, AssumeRolePolicyDocument: document(trust) }),
  );
  await iam.send(
    new PutRolePolicyCommand({ RoleName: APPROVER, PolicyName: APPROVER, PolicyDocument: document(EVERYTHING) }),
  );
  stage = new Stage(cloud, account, Role?.Arn ?? '');
  const { credentials } = await analyst(cloud, 'on-call', [EVERYTHING]);
  workstation = new Workstation(
    cloud,
    { credentials, role: ADMINISTRATOR_ROLE },
    { credentials: ROOT, role: APPROVER },
  );
}, 180_000);
afterAll(async () => {
  workstation?.close();
  await cloud?.stop();
});

const playbooks = loadPlaybooks();

/** What a reader types: all blocks that are run, the first one with its variables filled in. */
function script({ page, id }: Playbook, variables: Readonly<Record<string, string>>): string {
  const blocks = page.blocks.filter(({ kind }) => kind === 'run');
  const [first = { text: '', line: 0 }, ...others] = blocks;
  const filled = Object.entries(variables).reduce((text, [name, value]) => {
    const line = new RegExp(`^ *${name}=.*$`, 'm');
    if (!line.test(text)) throw new Error(`the first block of ${id} does not set ${name}`);
    return text.replace(line, () => `${name}='${value}'`);
  }, first.text);
  return [{ ...first, text: filled }, ...others]
    .map(({ line, text }) => `echo "--- line ${line}"\n${text}\n`)
    .join('\n');
}

test('there is a scene for each page', () => {
  expect(Object.keys(SCENES).sort()).toEqual(playbooks.map(({ id }) => id));
});

test('there is none only when AWS says so', async () => {
  const asked = async (code: string) =>
    workstation.run(
      `. playbooks/commands.sh
       denied() { echo 'An error occurred (AccessDenied) when calling the GetBucketPolicy operation' >&2; return 254; }
       none_if ${code} denied`,
    );
  expect(await asked('AccessDenied')).toEqual({ code: 0, output: 'none\n' });
  const { code, output } = await asked('NoSuchBucketPolicy');
  expect(code).not.toBe(0);
  expect(output).toContain('(AccessDenied)');
});

(missing.length > 0 ? describe.skip : describe)(missing.length > 0 ? `${about} (${skipped})` : about, () => {
  test.each(playbooks.map((playbook) => [playbook.id, playbook] as const))(
    '%s',
    async (id, playbook) => {
      const scene = SCENES[id];
      if (!scene) throw new Error(`there is no scene for ${id}`);
      const variables = await scene.stage(stage);
      const { code, output } = await workstation.run(script(playbook, variables));
      if (code !== 0) throw new Error(`the page ends with ${code}:\n${output.slice(-3_000)}`);
      for (const text of scene.says ?? []) expect(output).toMatch(text);
      const { incident } = variables;
      if (scene.ends) expect(await stage.stateOf(incident ?? '')).toBe(scene.ends);
    },
    PATIENCE_MS,
  );
});
