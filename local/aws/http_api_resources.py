"""AWS CloudFormation: HTTP APIs of API Gateway, their stages, integrations and routes, of which moto makes none in a stack.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-api.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-integration.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-route.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-stage.html
"""

from typing import Any

from moto.apigatewayv2.models import Api, apigatewayv2_backends
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException, ValidationError
from moto.cloudformation.parsing import get_model_map

from cloudformation import StackResource
from http_api import endpoint


class ApiResource(StackResource):
    """A resource of a stack, by the id that `!Ref` answers, kept in moto's API Gateway. An update keeps the id."""

    @classmethod
    def put(cls, properties: dict[str, Any], account: str, region: str, known: str | None) -> str:
        """Makes the resource under a new id, or makes it anew under the `known` one. Answers the id."""
        raise NotImplementedError

    @classmethod
    def remove(cls, api: Api, identifier: str) -> None:
        """Takes the resource out of its API."""
        raise NotImplementedError

    def delete(self, account_id: str, region_name: str) -> None:
        api = apigatewayv2_backends[account_id][region_name].apis.get(self.properties['ApiId'])
        if api:
            self.remove(api, self.physical_resource_id)

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **kwargs: Any
    ) -> 'ApiResource':
        properties = cloudformation_json['Properties']
        return cls(cls.put(properties, account_id, region_name, None), properties)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> 'ApiResource':
        properties = cloudformation_json['Properties']
        return cls(cls.put(properties, account_id, region_name, original_resource.physical_resource_id), properties)


class HttpApi(ApiResource):
    """An API of the protocol HTTP."""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in ('ApiEndpoint', 'ApiId')

    def get_cfn_attribute(self, attribute: str) -> str:
        if not self.has_cfn_attr(attribute):
            raise UnformattedGetAttTemplateException
        return endpoint(self.physical_resource_id) if attribute == 'ApiEndpoint' else self.physical_resource_id

    @classmethod
    def put(cls, properties: dict[str, Any], account: str, region: str, known: str | None) -> str:
        if properties.get('ProtocolType') != 'HTTP':
            raise ValidationError(message='The embedded cloud makes APIs of the protocol HTTP only.')
        backend = apigatewayv2_backends[account][region]
        if known:
            backend.get_api(known).name = properties['Name']
            return known
        settings = dict.fromkeys(
            (
                'api_key_selection_expression',
                'cors_configuration',
                'disable_execute_api_endpoint',
                'disable_schema_validation',
                'route_selection_expression',
                'version',
            )
        )
        description, tags = properties.get('Description'), properties.get('Tags', {})
        api = backend.create_api(
            name=properties['Name'], description=description, protocol_type='HTTP', tags=tags, **settings
        )
        return api.api_id

    def delete(self, account_id: str, region_name: str) -> None:
        apigatewayv2_backends[account_id][region_name].delete_api(self.physical_resource_id)


class Stage(ApiResource):
    """A stage is known by its name."""

    @classmethod
    def put(cls, properties: dict[str, Any], account: str, region: str, known: str | None) -> str:
        api = apigatewayv2_backends[account][region].get_api(properties['ApiId'])
        config = {
            'stageName': properties['StageName'],
            'autoDeploy': properties.get('AutoDeploy', False),
            'stageVariables': properties.get('StageVariables', {}),
        }
        return api.create_stage(config).name

    @classmethod
    def remove(cls, api: Api, identifier: str) -> None:
        api.delete_stage(identifier)


class Integration(ApiResource):
    """A function behind the API, called with payloads of format 2.0."""

    @classmethod
    def put(cls, properties: dict[str, Any], account: str, region: str, known: str | None) -> str:
        if properties['IntegrationType'] != 'AWS_PROXY' or properties.get('PayloadFormatVersion') != '2.0':
            raise ValidationError(message='The embedded cloud knows Lambda integrations of payload format 2.0 only.')
        api = apigatewayv2_backends[account][region].get_api(properties['ApiId'])
        integration = api.create_integration(
            connection_type='INTERNET',
            description=properties.get('Description'),
            integration_method=properties.get('IntegrationMethod', 'POST'),
            integration_type='AWS_PROXY',
            integration_uri=properties['IntegrationUri'],
            payload_format_version='2.0',
            timeout_in_millis=properties.get('TimeoutInMillis'),
        )
        if known:
            api.integrations[known] = api.integrations.pop(integration.id)
            integration.id = known
        return integration.id

    @classmethod
    def remove(cls, api: Api, identifier: str) -> None:
        api.delete_integration(identifier)


class Route(ApiResource):
    """What leads from a method and a path to an integration, for everybody or for whom IAM lets."""

    @classmethod
    def put(cls, properties: dict[str, Any], account: str, region: str, known: str | None) -> str:
        authorization = properties.get('AuthorizationType', 'NONE')
        if authorization not in ('NONE', 'AWS_IAM'):
            raise ValidationError(message=f'The embedded cloud knows no routes of the authorization type {authorization}.')
        api = apigatewayv2_backends[account][region].get_api(properties['ApiId'])
        route = api.create_route(
            api_key_required=False,
            authorization_scopes=[],
            route_key=properties['RouteKey'],
            target=properties['Target'],
            authorization_type=authorization,
        )
        if known:
            api.routes[known] = api.routes.pop(route.route_id)
            route.route_id = known
        return route.route_id

    @classmethod
    def remove(cls, api: Api, identifier: str) -> None:
        api.delete_route(identifier)


get_model_map().update(
    {
        'AWS::ApiGatewayV2::Api': HttpApi,
        'AWS::ApiGatewayV2::Stage': Stage,
        'AWS::ApiGatewayV2::Integration': Integration,
        'AWS::ApiGatewayV2::Route': Route,
    }
)
