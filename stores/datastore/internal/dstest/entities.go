package dstest

import (
	"time"
	"unicode/utf8"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Limits of the service, in bytes.
const (
	maxEntity   = 1<<20 - 4
	maxProperty = 1<<20 - 89
	maxIndexed  = 1500
	maxRequest  = 10 << 20
)

// checkEntity refuses what the service refuses, and returns what it stores.
func checkEntity(e *pb.Entity) (*pb.Entity, error) {
	if err := checkKey(e.GetKey()); err != nil {
		return nil, err
	}
	stored := proto.Clone(e).(*pb.Entity)
	size := 32 + len(e.Key.GetPartitionId().GetNamespaceId()) + len(e.Key.Path[0].Kind) + len(e.Key.Path[0].GetName())
	for name, v := range stored.Properties {
		if why := nameFault(name); why != "" {
			return nil, invalid("the property name %q %s", name, why)
		}
		n, err := checkValue(name, v)
		if err != nil {
			return nil, err
		}
		size += len(name) + 1 + n
	}
	if size > maxEntity {
		return nil, invalid("the entity has %d bytes, at most %d are allowed", size, maxEntity)
	}
	return stored, nil
}

// checkValue returns the size of a value, and cuts times to microseconds as the service does.
func checkValue(name string, v *pb.Value) (size int, err error) {
	switch x := v.GetValueType().(type) {
	case *pb.Value_NullValue, *pb.Value_BooleanValue:
		return 1, nil
	case *pb.Value_IntegerValue, *pb.Value_DoubleValue:
		return 8, nil
	case *pb.Value_TimestampValue:
		if x.TimestampValue.CheckValid() != nil {
			return 0, invalid("the time in %s is not of the years 1 to 9999", name)
		}
		x.TimestampValue = timestamppb.New(x.TimestampValue.AsTime().Truncate(time.Microsecond))
		return 8, nil
	case *pb.Value_KeyValue:
		return 32 + len(x.KeyValue.Path[0].Kind) + len(x.KeyValue.Path[0].GetName()), checkKey(x.KeyValue)
	case *pb.Value_StringValue:
		if !utf8.ValidString(x.StringValue) {
			return 0, invalid("the text in %s is not valid UTF-8", name)
		}
		return len(x.StringValue) + 1, checkLength(name, len(x.StringValue), !v.ExcludeFromIndexes)
	case *pb.Value_BlobValue:
		return len(x.BlobValue) + 1, checkLength(name, len(x.BlobValue), !v.ExcludeFromIndexes)
	case *pb.Value_ArrayValue:
		for _, element := range x.ArrayValue.Values {
			if _, nested := element.ValueType.(*pb.Value_ArrayValue); nested {
				return 0, invalid("a list in a list in %s", name)
			}
			n, err := checkValue(name, element)
			if err != nil {
				return 0, err
			}
			size += n
		}
		return size, nil
	}
	return 0, invalid("a value in %s of a type that is not known here", name)
}

func checkLength(name string, n int, indexed bool) error {
	if n > maxProperty {
		return invalid("the value of property %q is longer than %d bytes", name, maxProperty)
	}
	if indexed && n > maxIndexed {
		return invalid("the value of property %q is longer than %d bytes and indexed", name, maxIndexed)
	}
	return nil
}
