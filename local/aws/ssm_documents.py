"""AWS Systems Manager: documents.

Facts supplied, where moto differs:
- CreateDocument and UpdateDocument refuse an Automation document that is none.
  https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html
- The content of a stack's document may be an object; JSON and the type Command are the defaults. It is replaced, or
  with the update method NewVersion gets a version more, which is the default from then on.
  https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-document.html
"""

import json
from typing import Any

import yaml
from moto.ssm.exceptions import DuplicateDocumentContent, InvalidDocumentContent, SSMException
from moto.ssm.models import Document, Documents, SimpleSystemManagerBackend, ssm_backends

from automation_document import MOST_BYTES, BadDocument, check

create_document_as_moto = SimpleSystemManagerBackend.create_document
update_document_as_moto = SimpleSystemManagerBackend.update_document


def parsed(text: str, form: str) -> Any:
    """The content of a document. Raises InvalidDocumentContent for what is not in its format."""
    try:
        return json.loads(text) if form == 'JSON' else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise InvalidDocumentContent(f'The content is no {form}: {error}') from error


def _check(text: str, form: str) -> None:
    if len(text.encode()) > MOST_BYTES:
        raise SSMException('MaxDocumentSizeExceeded', f'The size limit of a document is {MOST_BYTES // 1024} KB.')
    try:
        check(parsed(text, form))
    except BadDocument as error:
        raise InvalidDocumentContent(str(error)) from error


def create_document(backend: SimpleSystemManagerBackend, **given: Any) -> Documents:
    """Wraps SimpleSystemManagerBackend.create_document."""
    if given['document_type'] == 'Automation':
        _check(given['content'], given['document_format'])
    return create_document_as_moto(backend, **{**given, 'document_type': given['document_type'] or 'Command'})


def update_document(backend: SimpleSystemManagerBackend, **given: Any) -> dict[str, Any]:
    """Wraps SimpleSystemManagerBackend.update_document."""
    if backend._get_documents(given['name']).get_latest_version().document_type == 'Automation':
        _check(given['content'], given['document_format'])
    return update_document_as_moto(backend, **{**given, 'document_version': given['document_version'] or '1'})


def _properties(cloudformation_json: dict[str, Any]) -> dict[str, Any]:
    properties = cloudformation_json['Properties']
    content = properties['Content']
    given = {'DocumentType': 'Command', 'DocumentFormat': 'JSON', **properties}
    if not isinstance(content, str):
        given.update(Content=json.dumps(content), DocumentFormat='JSON')
    return {**cloudformation_json, 'Properties': given}


create_from_template_as_moto = Document.create_from_cloudformation_json.__func__
update_from_template_as_moto = Document.update_from_cloudformation_json.__func__


def create_from_template(
    cls: type[Document], resource_name: str, cloudformation_json: dict[str, Any], *arguments: str, **named: Any
) -> Document:
    """Wraps Document.create_from_cloudformation_json."""
    return create_from_template_as_moto(cls, resource_name, _properties(cloudformation_json), *arguments, **named)


def update_from_template(
    cls: type[Document],
    original_resource: Document,
    new_resource_name: str,
    cloudformation_json: dict[str, Any],
    account_id: str,
    region_name: str,
) -> Document:
    """Wraps Document.update_from_cloudformation_json."""
    template = _properties(cloudformation_json)
    properties, backend = template['Properties'], ssm_backends[account_id][region_name]
    if properties.get('UpdateMethod') != 'NewVersion':
        return update_from_template_as_moto(
            cls, original_resource, new_resource_name, template, account_id, region_name
        )
    documents = backend._get_documents(original_resource.name)
    try:
        made = backend.update_document(
            content=properties['Content'],
            attachments=properties.get('Attachments'),
            name=original_resource.name,
            version_name=properties.get('VersionName'),
            document_version='$LATEST',
            document_format=properties['DocumentFormat'],
            target_type=properties.get('TargetType'),
        )
    except DuplicateDocumentContent:
        return original_resource
    return documents.update_default_version(made['DocumentVersion'])


SimpleSystemManagerBackend.create_document = create_document
SimpleSystemManagerBackend.update_document = update_document
Document.create_from_cloudformation_json = classmethod(create_from_template)
Document.update_from_cloudformation_json = classmethod(update_from_template)
