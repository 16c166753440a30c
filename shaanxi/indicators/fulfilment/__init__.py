"""Fulfilment (履约状况): whether taxes, premiums, deposits and bills are paid."""
