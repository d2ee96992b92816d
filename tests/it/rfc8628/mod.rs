//! RFC 8628, statement by statement, with our own requests and with a stock client.

mod statements;
mod stock_client;
mod waiting_polls;
