import { DescribeInternetGatewaysCommand, DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GuardDutyClient, ListDetectorsCommand } from '@aws-sdk/client-guardduty';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { ListTagsForResourceCommand, OrganizationsClient } from '@aws-sdk/client-organizations';
import { DescribeDBInstancesCommand, DescribeDBSnapshotsCommand, RDSClient } from '@aws-sdk/client-rds';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runPrefix } from '../simulations/kinds/kind.ts';
import { Connection, HOME_REGION, MEMBER_ACCOUNTS, REGIONS, SANDBOX_ACCOUNTS, SECURITY_ACCOUNT } from './connection.ts';
import { type AwsServer, startAwsServer } from './python.ts';
import { setUpSandboxes } from './sandbox-accounts.ts';

const [SANDBOX] = SANDBOX_ACCOUNTS;
const SIMULATE = `arn:aws:iam::${SANDBOX}:role/firebreak-simulate`;

describe('the sandbox accounts', () => {
  let server: AwsServer;
  let connection: Connection;

  beforeAll(async () => {
    server = await startAwsServer(0, () => {});
    connection = new Connection(server.endpoint);
    await setUpSandboxes(connection);
  });
  afterAll(() => {
    server.child.kill('SIGKILL');
  });

  const security = async () => (await connection.account(SECURITY_ACCOUNT, HOME_REGION)).client;

  /** A client's settings in a session of a new role of the security account that may assume any. */
  async function assumed(role: string, then: readonly string[] = []) {
    const own = await security();
    const allowed = (more: object) => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...more }] });
    const trust = allowed({ Principal: { AWS: `arn:aws:iam::${SECURITY_ACCOUNT}:root` }, Action: 'sts:AssumeRole' });
    const policy = allowed({ Action: 'sts:AssumeRole', Resource: '*' });
    const iam = new IAMClient(own);
    await iam.send(new CreateRoleCommand({ RoleName: role, AssumeRolePolicyDocument: JSON.stringify(trust) }));
    await iam.send(
      new PutRolePolicyCommand({ RoleName: role, PolicyName: 'own', PolicyDocument: JSON.stringify(policy) }),
    );
    let client = own;
    for (const RoleArn of [`arn:aws:iam::${SECURITY_ACCOUNT}:role/${role}`, ...then]) {
      const sts = new STSClient(client);
      const { Credentials: given } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'session' }));
      const credentials = {
        accessKeyId: given?.AccessKeyId ?? '',
        secretAccessKey: given?.SecretAccessKey ?? '',
        sessionToken: given?.SessionToken ?? '',
      };
      client = { ...own, credentials };
    }
    return client;
  }

  test('let the simulator act in the first, with names of runs alone, and nobody else', async () => {
    const s3 = new S3Client(await assumed('firebreak-worker-simulate', [SIMULATE]));
    await s3.send(new CreateBucketCommand({ Bucket: `${runPrefix('abcdefghij')}data` }));
    await expect(s3.send(new CreateBucketCommand({ Bucket: 'data' }))).rejects.toThrow('not authorized to perform');
    await expect(assumed('firebreak-worker-storage', [SIMULATE])).rejects.toThrow('no role trust policy');
    await expect(assumed('firebreak-worker', [SIMULATE.replace(SANDBOX, SANDBOX_ACCOUNTS[1])])).rejects.toThrow(
      'not authorized to perform',
    );
  });

  test('are what the organisation says they are', async () => {
    const organizations = new OrganizationsClient(await security());
    const tagged = await Promise.all(
      [...SANDBOX_ACCOUNTS, ...MEMBER_ACCOUNTS, SECURITY_ACCOUNT].map(async (ResourceId) => {
        const { Tags = [] } = await organizations.send(new ListTagsForResourceCommand({ ResourceId }));
        return Tags.length > 0 ? [ResourceId, Tags] : [];
      }),
    );
    const tags = [{ Key: 'firebreak:sandbox', Value: 'true' }];
    expect(tagged.filter((found) => found.length > 0)).toEqual(SANDBOX_ACCOUNTS.map((account) => [account, tags]));
  });

  test.each(REGIONS)(
    'have a network without a way out in %s, a snapshot without a database, and GuardDuty',
    async (region) => {
      const { client } = await connection.account(SANDBOX, region);
      const ec2 = new EC2Client(client);
      const Filters = [{ Name: 'tag:firebreak:sandbox', Values: ['network'] }];
      const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ Filters }));
      expect(Subnets).toEqual([expect.objectContaining({ MapPublicIpOnLaunch: false })]);
      const { InternetGateways = [] } = await ec2.send(new DescribeInternetGatewaysCommand({}));
      expect(InternetGateways.flatMap(({ Attachments = [] }) => Attachments.map(({ VpcId }) => VpcId))).not.toContain(
        Subnets[0]?.VpcId,
      );
      const rds = new RDSClient(client);
      const { DBSnapshots = [] } = await rds.send(new DescribeDBSnapshotsCommand({ SnapshotType: 'manual' }));
      expect(DBSnapshots).toEqual([
        expect.objectContaining({
          DBSnapshotIdentifier: 'firebreak-golden',
          Encrypted: false,
          AllocatedStorage: 20,
          Engine: 'postgres',
        }),
      ]);
      expect((await rds.send(new DescribeDBInstancesCommand({}))).DBInstances).toEqual([]);
      expect((await new GuardDutyClient(client).send(new ListDetectorsCommand({}))).DetectorIds).toHaveLength(1);
    },
  );
});
