"""Organisations and everything they own: members, extensions, devices, licences, numbers, gateways, rules, audit."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "organisation",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("main_number", sa.String(length=16), nullable=True),
        sa.Column("default_rule_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("domain", name=op.f("uq_organisation_domain")),
    )
    op.create_table(
        "audit",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("noun", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=254), nullable=False),
        sa.Column("field", sa.String(length=128), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_audit_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(
        op.f("ix_audit_organisation_id_noun_name"), "audit", ["organisation_id", "noun", "name"], unique=False
    )
    op.create_table(
        "gateway",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("transport", sa.String(length=16), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=True),
        sa.Column("password_encrypted", sa.String(length=512), nullable=True),
        sa.Column("trunk", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("port BETWEEN 1 AND 65535", name=op.f("ck_gateway_port")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_gateway_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_gateway_organisation_id_id")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_gateway_organisation_id_name")),
    )
    op.create_index(op.f("ix_gateway_host"), "gateway", ["host"], unique=False)
    op.create_table(
        "member",
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("mobile", sa.String(length=16), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_member_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("organisation_id", "email", name=op.f("uq_member_organisation_id_email")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_member_organisation_id_id")),
    )
    op.create_table(
        "outbound_rule",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("gateway_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "gateway_id"],
            ["gateway.organisation_id", "gateway.id"],
            name=op.f("fk_outbound_rule_organisation_id_gateway_id_gateway"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_outbound_rule_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_rule")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_outbound_rule_organisation_id_id")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_outbound_rule_organisation_id_name")),
    )
    op.create_table(
        "dial_plan_entry",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("starts_with", sa.JSON(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("strip", sa.Integer(), nullable=False),
        sa.Column("prepend", sa.String(length=15), nullable=False),
        sa.CheckConstraint("strip BETWEEN 0 AND length", name=op.f("ck_dial_plan_entry_strip")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "rule_id"],
            ["outbound_rule.organisation_id", "outbound_rule.id"],
            name=op.f("fk_dial_plan_entry_organisation_id_rule_id_outbound_rule"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "rule_id", "position", name=op.f("pk_dial_plan_entry")),
    )
    op.create_table(
        "extension",
        sa.Column("key", sa.String(length=6), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("do_not_disturb", sa.Boolean(), nullable=False),
        sa.Column("gateway_id", sa.Integer(), nullable=True),
        sa.Column("forwarding_enabled", sa.Boolean(), nullable=False),
        sa.Column("forwarding_number", sa.String(length=16), nullable=True),
        sa.Column("caller_id_number", sa.String(length=16), nullable=True),
        sa.Column("on_forward", sa.String(length=16), nullable=False),
        sa.Column("no_answer_action", sa.String(length=16), nullable=False),
        sa.Column("no_answer_wait", sa.Integer(), nullable=False),
        sa.Column("no_answer_number", sa.String(length=16), nullable=True),
        sa.Column("rule_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("no_answer_wait BETWEEN 5 AND 60", name=op.f("ck_extension_wait")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "assignee_id"],
            ["member.organisation_id", "member.id"],
            name=op.f("fk_extension_organisation_id_assignee_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "gateway_id"],
            ["gateway.organisation_id", "gateway.id"],
            name=op.f("fk_extension_organisation_id_gateway_id_gateway"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "rule_id"],
            ["outbound_rule.organisation_id", "outbound_rule.id"],
            name=op.f("fk_extension_organisation_id_rule_id_outbound_rule"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_extension_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extension")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_extension_organisation_id_id")),
        sa.UniqueConstraint("organisation_id", "key", name=op.f("uq_extension_organisation_id_key")),
    )
    op.create_index(
        op.f("ix_extension_organisation_id_assignee_id"), "extension", ["organisation_id", "assignee_id"], unique=False
    )
    op.create_table(
        "rule_country",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("access", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "rule_id"],
            ["outbound_rule.organisation_id", "outbound_rule.id"],
            name=op.f("fk_rule_country_organisation_id_rule_id_outbound_rule"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "rule_id", "country", name=op.f("pk_rule_country")),
    )
    op.create_table(
        "device",
        sa.Column("extension_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("rings", sa.Boolean(), nullable=False),
        sa.Column("tls", sa.Boolean(), nullable=False),
        sa.Column("ha1", sa.String(length=32), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "extension_id"],
            ["extension.organisation_id", "extension.id"],
            name=op.f("fk_device_organisation_id_extension_id_extension"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_device_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint(
            "organisation_id", "extension_id", "kind", name=op.f("uq_device_organisation_id_extension_id_kind")
        ),
        sa.UniqueConstraint("organisation_id", "id", "kind", name=op.f("uq_device_organisation_id_id_kind")),
    )
    op.create_table(
        "forward_target",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("extension_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("target_id <> extension_id", name=op.f("ck_forward_target_not_itself")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "extension_id"],
            ["extension.organisation_id", "extension.id"],
            name=op.f("fk_forward_target_organisation_id_extension_id_extension"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "target_id"],
            ["extension.organisation_id", "extension.id"],
            name=op.f("fk_forward_target_organisation_id_target_id_extension"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "extension_id", "position", name=op.f("pk_forward_target")),
        sa.UniqueConstraint(
            "organisation_id",
            "target_id",
            "extension_id",
            name=op.f("uq_forward_target_organisation_id_target_id_extension_id"),
        ),
    )
    op.create_table(
        "number",
        sa.Column("e164", sa.String(length=16), nullable=False),
        sa.Column("extension_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "extension_id"],
            ["extension.organisation_id", "extension.id"],
            name=op.f("fk_number_organisation_id_extension_id_extension"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_number_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number")),
        sa.UniqueConstraint("e164", name=op.f("uq_number_e164")),
    )
    op.create_index(
        op.f("ix_number_organisation_id_extension_id"), "number", ["organisation_id", "extension_id"], unique=False
    )
    op.create_table(
        "vip_entry",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("extension_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=True),
        sa.Column("vip_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("(number IS NULL) <> (vip_id IS NULL)", name=op.f("ck_vip_entry_one_of_two")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "extension_id"],
            ["extension.organisation_id", "extension.id"],
            name=op.f("fk_vip_entry_organisation_id_extension_id_extension"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "vip_id"],
            ["extension.organisation_id", "extension.id"],
            name=op.f("fk_vip_entry_organisation_id_vip_id_extension"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "extension_id", "position", name=op.f("pk_vip_entry")),
        sa.UniqueConstraint(
            "organisation_id", "vip_id", "extension_id", name=op.f("uq_vip_entry_organisation_id_vip_id_extension_id")
        ),
    )
    op.create_table(
        "licence",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "device_id", "kind"],
            ["device.organisation_id", "device.id", "device.kind"],
            name=op.f("fk_licence_organisation_id_device_id_kind_device"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_licence_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence")),
        sa.UniqueConstraint("device_id", name=op.f("uq_licence_device_id")),
    )
    op.create_index(
        op.f("ix_licence_organisation_id_kind_device_id"),
        "licence",
        ["organisation_id", "kind", "device_id"],
        unique=False,
    )
    # The two refer to each other, so this one comes when both are there.
    with op.batch_alter_table("organisation") as batch:
        batch.create_foreign_key(
            op.f("fk_organisation_id_default_rule_id_outbound_rule"),
            "outbound_rule",
            ["id", "default_rule_id"],
            ["organisation_id", "id"],
        )


def downgrade() -> None:
    with op.batch_alter_table("organisation") as batch:
        batch.drop_constraint(op.f("fk_organisation_id_default_rule_id_outbound_rule"), type_="foreignkey")
    for table in (
        "licence",
        "vip_entry",
        "number",
        "forward_target",
        "device",
        "rule_country",
        "extension",
        "dial_plan_entry",
        "outbound_rule",
        "member",
        "gateway",
        "audit",
        "organisation",
    ):
        op.drop_table(table)
