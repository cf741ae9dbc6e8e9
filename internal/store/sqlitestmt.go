package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"
)

// The driver compiles a statement each time it is run, unless it was prepared.
// That took longer than running it, so each connection keeps what it prepared.

// keptStatements is how many statements a connection keeps, and knows at all:
// far more than the store has. Others are compiled each time.
const keptStatements = 256

// nowParameter is the time, in microseconds, in statements for SQLite. The
// connection gives its value when it runs them, so their text stays the same.
const nowParameter = "$now"

// sqliteConnector makes connections that keep their statements, and tell them
// the time.
type sqliteConnector struct {
	driver.Connector
	now func() time.Time
}

// Connect opens a connection.
func (c *sqliteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	whole, ok := conn.(sqliteDriverConn)
	if !ok {
		return nil, fmt.Errorf("the driver's connection lacks methods: %T", conn)
	}
	return &sqliteConn{sqliteDriverConn: whole, now: c.now, known: map[string]driver.Stmt{}}, nil
}

// sqliteDriverConn is what database/sql uses of the driver's connection.
type sqliteDriverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// sqliteConn is a connection that keeps its statements. One whose rows are still
// being read can't be run: the driver refuses it, but only if it has parameters.
// So those without any are not kept: they would go on where the others are.
type sqliteConn struct {
	sqliteDriverConn
	now   func() time.Time
	known map[string]driver.Stmt // nil: it was run once, as migrations are, and is not kept yet
}

// statement gives the prepared form of a query; nil if it is not kept.
func (c *sqliteConn) statement(ctx context.Context, query string, args []driver.NamedValue) (driver.Stmt, error) {
	kept, again := c.known[query]
	switch {
	case len(args) == 0:
		return nil, nil
	case kept != nil:
		return kept, nil
	case !again:
		if len(c.known) < keptStatements {
			c.known[query] = nil
		}
		return nil, nil
	}
	kept, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.known[query] = kept
	return kept, nil
}

// withNow adds the time to the arguments of a query that needs it.
func (c *sqliteConn) withNow(query string, args []driver.NamedValue) []driver.NamedValue {
	if !strings.Contains(query, nowParameter) {
		return args
	}
	return append(args, driver.NamedValue{Name: nowParameter[1:], Ordinal: len(args) + 1, Value: micros(c.now())})
}

// ExecContext runs a statement.
func (c *sqliteConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	args = c.withNow(query, args)
	kept, err := c.statement(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if by, ok := kept.(driver.StmtExecContext); ok {
		return by.ExecContext(ctx, args)
	}
	return c.sqliteDriverConn.ExecContext(ctx, query, args)
}

// QueryContext runs a statement that gives rows.
func (c *sqliteConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	args = c.withNow(query, args)
	kept, err := c.statement(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if by, ok := kept.(driver.StmtQueryContext); ok {
		return by.QueryContext(ctx, args)
	}
	return c.sqliteDriverConn.QueryContext(ctx, query, args)
}

// Close gives the statements back, and the connection.
func (c *sqliteConn) Close() error {
	for _, kept := range c.known {
		if kept != nil {
			_ = kept.Close() // the connection's own error says more
		}
	}
	return c.sqliteDriverConn.Close()
}
